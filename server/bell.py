"""Wakes whoever waits for something to have happened. Lives on the event loop."""

from __future__ import annotations

import asyncio
from enum import StrEnum


class Topic(StrEnum):
    """What bells that are shared ring for."""

    ROWS = "rows"
    ALERTS = "alerts"


class Bell:
    """Counts its rings, so that none is missed between two waits."""

    def __init__(self) -> None:
        self._rings = 0
        self._rung = asyncio.Event()

    @property
    def rings(self) -> int:
        return self._rings

    def ring(self) -> None:
        """Wakes all who wait."""
        self._rings += 1
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()

    async def heard(self, rings: int, *, within_s: float) -> int:
        """Returns once it rang more often than that, or after `within_s`; how often by now."""
        if self._rings <= rings:
            rung = self._rung
            try:
                async with asyncio.timeout(within_s):
                    await rung.wait()
            except TimeoutError:
                pass
        return self._rings
