"""Sightings in the order in which they were committed, for whoever goes through all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.storage.reading.sightings import SightingDetail


class SightingFeed(Protocol):
    """Rows with their ids, which grow in the order of commits: what has a lower id than a row that
    is seen is never committed after it."""

    async def newest(self) -> int:
        """The highest id; 0 where there is no row. Raises StorageUnavailable."""
        ...

    async def after(
        self, position: int, *, limit: int, with_evidence: bool = False
    ) -> Sequence[SightingDetail]:
        """Up to `limit` rows with an id above `position`, in order. Raises StorageUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedSighting:
    """A sighting as it is now, without its corrections, and which of them it is told for."""

    correction_id: int
    corrected_by: str
    sighting: SightingDetail


class CorrectedFeed(Protocol):
    """Corrections in the order in which they were committed, each with its sighting where that is
    still there: none that takes another one back or was taken back."""

    async def newest(self) -> int:
        """The highest id of any correction; 0 where there is none. Raises StorageUnavailable."""
        ...

    async def after(self, position: int, *, limit: int) -> Sequence[CorrectedSighting]:
        """Up to `limit` of those with an id above `position`, in order. Raises
        StorageUnavailable."""
        ...
