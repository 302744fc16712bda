"""One limit on the bytes of all rows in flight, and the credit that cameras get of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from wire.limits import Credit

_MOST_ROWS: Final = 2048
_MOST_BYTES: Final = 16 * 1024 * 1024
_LEAST_BYTES: Final = 64 * 1024


class ByteBudget:
    """Bytes are taken as they arrive, given back when they are dealt with.

    Taking is never refused, for what has arrived is here: `inflow` sees to it that nothing is read
    while the budget is used up, so that TCP holds the cameras back.
    """

    def __init__(self, total_bytes: int) -> None:
        self._total = total_bytes
        self._used = 0
        self._tell: Callable[[], None] = lambda: None

    @property
    def total_bytes(self) -> int:
        return self._total

    @property
    def used_bytes(self) -> int:
        return self._used

    @property
    def free_bytes(self) -> int:
        return max(0, self._total - self._used)

    def on_release(self, tell: Callable[[], None]) -> None:
        """What to call whenever bytes were given back."""
        self._tell = tell

    def take(self, size: int) -> None:
        """`size` bytes are ours; release them exactly once."""
        self._used += size

    def release(self, size: int) -> None:
        """Gives bytes back."""
        self._used -= size
        self._tell()


def credit_for(free_bytes: int, connections: int) -> Credit:
    """What one of `connections` cameras may have unanswered: its share of what is free."""
    share = free_bytes // max(1, connections)
    size = min(_MOST_BYTES, max(_LEAST_BYTES, share))
    rows = max(1, _MOST_ROWS * size // _MOST_BYTES)
    return Credit(rows=rows, bytes=size)
