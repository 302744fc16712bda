"""How many requests one caller may make: a bucket each that fills again. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

BURST: Final = 300
"""Requests at once: a page loads up to fifty files, and a person opens a few."""
A_SECOND: Final = 30.0
"""Requests in the long run."""
MOST_CALLERS: Final = 4096
"""Beyond these the one that asked longest ago is forgotten."""


@dataclass(frozen=True, slots=True)
class _Bucket:
    left: float
    at_s: float


class Pace:
    """`now_s` is monotonic."""

    def __init__(self, *, burst: int = BURST, a_second: float = A_SECOND) -> None:
        self._burst = burst
        self._a_second = a_second
        self._buckets: OrderedDict[str | bytes, _Bucket] = OrderedDict()

    def wait_s(self, who: str | bytes, now_s: float) -> float:
        """Takes a request from the caller's bucket: 0, or seconds until there is one again."""
        held = self._buckets.pop(who, None)
        left = float(self._burst)
        if held is not None:
            left = min(left, held.left + (now_s - held.at_s) * self._a_second)
        wait_s = 0.0 if left >= 1 else (1 - left) / self._a_second
        self._buckets[who] = _Bucket(left if wait_s else left - 1, now_s)
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return wait_s
