"""Blocking work on a thread of its own, one piece after the other, behind which only so many wait.

Who hangs there holds up nobody elsewhere, and what is asked for cannot use up the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from server.errors import TooBusy

_T = TypeVar("_T")


class OneAtATime:
    """Lives on the event loop. `most` pieces may be in hand or wait; one more is refused with
    `refusal`."""

    def __init__(self, name: str, *, most: int, refusal: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sightpost-{name}")
        self._most = most
        self._refusal = refusal
        self._waiting = 0

    async def run(self, work: Callable[[], _T]) -> _T:
        """What `work` returns and raises. Raises TooBusy where as many wait as may."""
        if self._waiting >= self._most:
            raise TooBusy(self._refusal)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Does not wait for the piece in hand; what waits behind it is given up. Idempotent."""
        self._thread.shutdown(wait=False, cancel_futures=True)
