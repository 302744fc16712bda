"""All sightings as a stream of POSTs: JSON lines, signed, from where the last one was taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from server.egress.contract import NotTaken
from server.egress.follower import Follower
from server.errors import StorageUnavailable, TookTooLong
from server.storage.reading.sightings import SightingDetail

SHORTEST_S: Final = 0.5
LONGEST_S: Final = 60.0
_log = structlog.get_logger(__name__)

Post = Callable[[bytes, str], None]
"""Sends a body under a key; raises NotTaken. Blocking."""


class WebhookStream:
    """`word` makes lines of sightings. The key of a piece names its first and last id: the same
    rows under it are the same. `trouble` says why nothing is told now."""

    def __init__(
        self,
        follower: Follower,
        post: Post,
        word: Callable[[Iterable[SightingDetail]], str],
    ) -> None:
        self._follower = follower
        self._post = post
        self._word = word
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sightpost-stream")
        self.trouble: str | None = None

    async def run(self) -> None:
        """Until it is cancelled. A receiver that is away is asked again, ever more seldom."""
        wait_s = SHORTEST_S
        while True:
            try:
                await self._follower.step(self)
                self.trouble = None
                await self._follower.follow(self)
            except (NotTaken, StorageUnavailable, TookTooLong) as error:
                is_new = self.trouble is None
                wait_s = SHORTEST_S if is_new else min(LONGEST_S, 2 * wait_s)
                self.trouble = str(error)
                say = _log.error if is_new else _log.warning
                say("the stream of sightings waits", reason=self.trouble, again_in_s=wait_s)
            await asyncio.sleep(wait_s)

    async def take(self, sightings: Sequence[SightingDetail]) -> None:
        key = f"sightings-{sightings[0].card.id}-{sightings[-1].card.id}"
        await asyncio.get_running_loop().run_in_executor(
            self._executor, lambda: self._post(self._word(sightings).encode(), key)
        )

    def close(self) -> None:
        """Does not wait for the other side."""
        self._executor.shutdown(wait=False, cancel_futures=True)
