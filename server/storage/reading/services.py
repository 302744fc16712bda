"""What services did over time: the contract of the analyses and whatever keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from server.analytics.work import Work


class ServiceHistory(Protocol):
    """Every service of the server, minute by minute; of more than two days in longer stretches,
    each within one hour."""

    async def minutes(self, *, begin: datetime, end: datetime) -> Mapping[str, tuple[Work, ...]]:
        """By service, in the order of their time; minutes in which the server did not run are
        missing. Raises StorageUnavailable."""
        ...
