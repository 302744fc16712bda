"""Blocking work on a thread of its own, one piece after the other, behind which only so many wait.

Who hangs there holds up nobody elsewhere, and what is asked for cannot use up the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from server.errors import TooBusy

_T = TypeVar("_T")


class OneAtATime:
    """Lives on the event loop. `most` pieces may be in hand or wait; one more is refused with
    `refusal`. What is in hand counts to its end, also where whoever asked for it is gone."""

    def __init__(self, name: str, *, most: int, refusal: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sightpost-{name}")
        self._most = most
        self._refusal = refusal
        self._is_closed = False
        self._pieces: list[Future[Any]] = []

    async def run(self, work: Callable[[], _T]) -> _T:
        """What `work` returns and raises. Raises TooBusy where as many wait as may, and where this
        was closed before its turn."""
        self._pieces = [each for each in self._pieces if not each.done()]
        if self._is_closed:
            raise _closed()
        if len(self._pieces) >= self._most:
            raise TooBusy(self._refusal)
        piece = self._thread.submit(work)
        self._pieces.append(piece)
        try:
            return await asyncio.wrap_future(piece)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise _closed() from None  # nobody cancelled who waits

    def close(self) -> None:
        """Does not wait for the piece in hand; what waits behind it is given up. Idempotent."""
        self._is_closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)


def _closed() -> TooBusy:
    return TooBusy("this is done no more, for it was stopped or deleted meanwhile: ask again")
