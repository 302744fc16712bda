"""How often values fell into which range, in bounded memory: what a histogram is made of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Bounds of times; two seconds, from which on an alert speaks, are one of them."""
SEARCH_SECONDS = (0.0001, 0.00025, 0.0005, *SECONDS)
"""Bounds of the times of searches in memory."""
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
"""Bounds of what lies in 0..1."""
POWERS_OF_TWO = tuple(float(2**power) for power in range(12))
"""Bounds of counts from 1 to 2048."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution at one moment: of `counts`, the last is of what exceeds every bound.

    They are made of lists, never of generators: CPython takes no spare tuple for those, and keeps
    up to 2000 of each length that were dropped (0.3 MB of these, after half an hour).
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """As Prometheus' histogram_quantile: within its range a value is taken to lie evenly;
        beyond the last bound it is that bound. None where nothing was counted."""
        rank = share * self.count
        if not self.count:
            return None
        below, lower = 0, 0.0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            if count and below + count >= rank:
                return lower + (bound - lower) * (rank - below) / count
            below, lower = below + count, bound
        return lower


class Distribution:
    """Written by one thread, read by any; a value that equals a bound counts below it."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """Counts `value`, `times` over."""
        self._counts[bisect_left(self._bounds, value)] += times
        self._total += value * times

    def add_all(self, values: Iterable[float]) -> None:
        """Counts each of many values; cheaper than one by one."""
        ordered = sorted(values)
        below = 0
        for number, bound in enumerate(self._bounds):
            end = bisect_right(ordered, bound, below)
            self._counts[number] += end - below
            below = end
        self._counts[-1] += len(ordered) - below
        self._total += sum(ordered)

    def spread(self) -> Spread:
        """What was counted so far; `total` may be a value behind or ahead of `counts`."""
        return Spread(self._bounds, tuple(self._counts), self._total)


def sum_of(spreads: Iterable[Spread]) -> Spread | None:
    """Distributions over the same ranges as one; None of none."""
    found: Spread | None = None
    for spread in spreads:
        if found is None:
            found = spread
            continue
        counts = tuple([a + b for a, b in zip(found.counts, spread.counts, strict=True)])
        found = Spread(found.bounds, counts, found.total + spread.total)
    return found


def difference(now: Spread, before: Spread) -> Spread:
    """What came between two moments; all of `now` where it was begun anew in between."""
    if now.count < before.count:
        return now
    counts = tuple([max(0, a - b) for a, b in zip(now.counts, before.counts, strict=True)])
    return Spread(now.bounds, counts, max(0.0, now.total - before.total))
