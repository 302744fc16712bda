"""Sightings in the order in which they were committed, for whoever goes through all of them."""

from __future__ import annotations

from collections.abc import Sequence
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
