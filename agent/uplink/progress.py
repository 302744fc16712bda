"""How far the sending has come: written by the exchange in hand, read by whoever shows it."""

from __future__ import annotations

import asyncio

from agent.delivery import OutboxCounts


class Progress:
    """Lives on the event loop."""

    def __init__(self) -> None:
        self.counts = OutboxCounts()
        self.in_flight = 0
        self.last_error: str | None = None
        self.answers = 0
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Wakes all who wait for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Returns after the next `tell`."""
        await self._changed.wait()
