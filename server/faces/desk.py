"""Has pictures looked into, so many at a time and so many waiting; the rest is told to come again.

Identical pictures are looked into once: what was seen is kept for the last ones, by SHA-256.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from server.errors import QueueFull
from server.faces.contract import Upload
from server.faces.looking import FaceLooker, LookerMaker, Seen

CACHED_PICTURES: Final = 256
"""What was seen in them, without the pictures: some 50 KB each with one face."""

_FIRST_GUESS_S: Final = 0.2
_SLOWNESS: Final = 0.8


class LookingDesk:
    """`waiting` is the bound of the queue: beyond it `look` raises QueueFull at once."""

    def __init__(self, make_looker: LookerMaker, *, threads: int, waiting: int) -> None:
        self._make_looker = make_looker
        self._threads = threads
        self._most = threads + waiting
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="sightpost-faces")
        self._mine = threading.local()
        self._inside = 0
        self._seen: OrderedDict[str, Seen] = OrderedDict()
        self._look_s = _FIRST_GUESS_S
        self._age = 0

    async def look(self, upload: Upload) -> Seen:
        """Raises QueueFull, QuestionInvalid and FacesUnavailable."""
        digest = upload.sha256
        held = self._seen.get(digest)
        if held is not None:
            self._seen.move_to_end(digest)
            return held
        if self._inside >= self._most:
            wait_s = math.ceil(max(1.0, self._inside * self._look_s / self._threads))
            raise QueueFull(
                f"{self._inside} pictures are being looked into or wait already; try again in "
                f"{wait_s} s",
                retry_after_s=wait_s,
            )
        age = self._age
        seen = await self._queued(upload)
        if age == self._age:
            self._seen[digest] = seen
            if len(self._seen) > CACHED_PICTURES:
                self._seen.popitem(last=False)
        return seen

    def forget(self) -> None:
        """What was seen is not kept: it may be of somebody who is to be forgotten."""
        self._age += 1
        self._seen.clear()

    @property
    def inside(self) -> int:
        """Pictures that are looked into or wait."""
        return self._inside

    def close(self) -> None:
        """Waits for the pictures in hand; idempotent. Blocking."""
        self._executor.shutdown(wait=True)

    async def _queued(self, upload: Upload) -> Seen:
        """Who gives up waiting frees no place before the work itself has ended."""
        loop = asyncio.get_running_loop()
        self._inside += 1
        work = self._executor.submit(self._look, upload)
        work.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        return await asyncio.wrap_future(work)

    def _leave(self) -> None:
        self._inside -= 1

    def _look(self, upload: Upload) -> Seen:
        began_s = time.perf_counter()
        looker: FaceLooker | None = getattr(self._mine, "looker", None)
        if looker is None:
            looker = self._mine.looker = self._make_looker()
        seen = looker.look(upload)
        took_s = time.perf_counter() - began_s
        self._look_s = _SLOWNESS * self._look_s + (1 - _SLOWNESS) * took_s
        return seen
