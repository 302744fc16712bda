"""One limit on the bytes of all rows in flight, and the credit that cameras get of it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from wire.limits import Credit

_MOST_ROWS: Final = 2048
_MOST_BYTES: Final = 16 * 1024 * 1024
_LEAST_BYTES: Final = 64 * 1024


class ByteBudget:
    """Bytes are taken before a frame is read out, given back when its rows are dealt with.

    Who finds it used up waits, first come first served; meanwhile that camera's socket is not
    read, so that TCP holds it back. A frame larger than all of it passes when it is alone.
    """

    def __init__(self, total_bytes: int) -> None:
        self._total = total_bytes
        self._used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def total_bytes(self) -> int:
        return self._total

    @property
    def free_bytes(self) -> int:
        return max(0, self._total - self._used)

    async def acquire(self, size: int) -> None:
        """Returns when `size` bytes are ours; release them exactly once."""
        if not self._waiting and self._fits(size):
            self._used += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(size)  # it was granted in the moment of the cancellation
            else:
                self._waiting.remove((size, turn))
                self._grant()
            raise

    def release(self, size: int) -> None:
        """Gives bytes back."""
        self._used -= size
        self._grant()

    def _fits(self, size: int) -> bool:
        return self._used == 0 or self._used + size <= self._total

    def _grant(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._used += size
                turn.set_result(None)


def credit_for(free_bytes: int, connections: int) -> Credit:
    """What one of `connections` cameras may have unanswered: its share of what is free."""
    share = free_bytes // max(1, connections)
    size = min(_MOST_BYTES, max(_LEAST_BYTES, share))
    rows = max(1, _MOST_ROWS * size // _MOST_BYTES)
    return Credit(rows=rows, bytes=size)
