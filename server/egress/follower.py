"""Goes through all sightings in the order of their commits, from where it was, again and again.

The position is moved after a piece was taken: what a crash interrupts is told once more.
"""

from __future__ import annotations

from typing import Final

from server.bell import Bell
from server.egress.contract import Positions, Taker
from server.storage.reading.feed import SightingFeed

PIECE: Final = 100
IDLE_S: Final = 5.0
"""So long nobody looks where no bell rings: another program may have written rows."""


class Follower:
    """`name` is that of its position. The first time it begins with what comes from then on."""

    def __init__(
        self, feed: SightingFeed, positions: Positions, committed: Bell, *, name: str
    ) -> None:
        self._feed = feed
        self._positions = positions
        self._committed = committed
        self._name = name

    async def follow(self, taker: Taker) -> None:
        """Until it is cancelled. Raises NotTaken and StorageUnavailable; called again, goes on."""
        while True:
            rings = self._committed.rings
            if not await self.step(taker):
                await self._committed.heard(rings, within_s=IDLE_S)

    async def step(self, taker: Taker) -> int:
        """Tells the next piece; how many those were."""
        position = await self._positions.position(self._name)
        if position is None:
            await self._positions.move(self._name, await self._feed.newest())
            return 0
        sightings = await self._feed.after(position, limit=PIECE, with_evidence=True)
        if sightings:
            await taker.take(sightings)
            await self._positions.move(self._name, sightings[-1].card.id)
        return len(sightings)
