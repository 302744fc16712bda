"""How far the sending has come: written by the exchange in hand, read by whoever shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from agent.delivery import OutboxCounts
from wire.limits import Credit


class Progress:
    """Lives on the event loop. `now` is this device's time, to be compared with the server's.

    `credit` is None without a connection, and to an older server; `duplicates` counts rows that
    the server had already.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.counts = OutboxCounts()
        self.in_flight = 0
        self.last_error: str | None = None
        self.answers = 0
        self.duplicates = 0
        self.credit: Credit | None = None
        self.server_offset_s: float | None = None
        self._changed = asyncio.Event()

    def heard_time(self, server_time: datetime) -> None:
        """The server said its time: how far it is ahead of ours, but for the way of the answer."""
        self.server_offset_s = (server_time - self._now()).total_seconds()

    def tell(self) -> None:
        """Wakes all who wait for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Returns after the next `tell`."""
        await self._changed.wait()
