"""What was used, and by whom: the contract of the analysis of usage and whatever keeps it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from server.analytics.usage import Deeds, HourCount, PlateCounts


class UsageCounts(Protocol):
    """Counts of a stretch of time by the time of capture. Each may raise StorageUnavailable, and
    TookTooLong where it is too much to look at."""

    async def hours(self, *, begin: datetime, end: datetime) -> tuple[HourCount, ...]:
        """Sightings by hour (of UTC) and camera; hours without any are missing."""
        ...

    async def plates(self, *, begin: datetime, end: datetime) -> PlateCounts:
        """Unique and returning plates."""
        ...

    async def deeds(self, *, begin: datetime, end: datetime) -> Deeds:
        """Who did what, by the audit log; people only, no programs."""
        ...
