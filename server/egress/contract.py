"""The contract between egress and the rest: where it stands, and who takes what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from server.errors import ServerError
from server.storage.reading.sightings import SightingDetail
from server.watchlist.contract import Alert


class NotTaken(ServerError):
    """The other side did not take it; the text says what was tried and what came back."""


class Positions(Protocol):
    """How far somebody has come with the rows of a table, by a name. Raise StorageUnavailable."""

    async def position(self, name: str) -> int | None:
        """The id of the last row that it is through with; None: it never began."""
        ...

    async def move(self, name: str, position: int) -> None:
        """It is through with all rows up to this one."""
        ...


class AlertFeed(Protocol):
    """Alerts in the order in which they were raised. Raise StorageUnavailable."""

    async def newest(self) -> int:
        """The highest id; 0 where there is none."""
        ...

    async def after(self, position: int, *, limit: int) -> Sequence[Alert]:
        """Up to `limit` alerts with an id above `position`, in order."""
        ...


class Taker(Protocol):
    """Who takes sightings."""

    async def take(self, sightings: Sequence[SightingDetail]) -> None:
        """Returns when all of them were taken; they may have been before. Raises NotTaken."""
        ...
