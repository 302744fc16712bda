"""How long things take and how often they succeed, in bounded memory. Never decides anything."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

KEPT = 512
"""Of each name the last so many times are kept, for the percentiles."""
MOST_NAMES = 64
"""Of each kind; what comes beyond is counted together under `OTHER`."""
OTHER = "other"
BOUNDS_MS = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2e3, 5e3, 1e4)
"""Of the ranges that `Times` counts."""
_LONGEST_ERROR = 200


class Clock(Protocol):
    """Steady seconds, such as `time.perf_counter`."""

    def __call__(self) -> float: ...


class Kind(StrEnum):
    """What is measured: a network's runs, a stage of the pipeline, or a way to come to a reading
    (which succeeds where it finds a plate)."""

    MODEL = "models"
    STAGE = "stages"
    METHOD = "methods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one name. Count, success rate (0..1), mean and extremes are over all runs, percentiles
    over the last `KEPT`; times in milliseconds, of failed runs too. `last_error` is what the last
    run that raised said."""

    count: int
    success_rate: float
    mean_ms: float
    min_ms: float
    max_ms: float
    p50_ms: float
    p95_ms: float
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """All runs of one name by how long they took: `counts` of those above the bound before and up
    to the one of `BOUNDS_MS`, the last of those above every bound. `failures` are of all runs."""

    counts: tuple[int, ...]
    total_ms: float
    failures: int


@dataclass(slots=True)
class Measurement:
    """What runs inside `Performance.measure` may say that it did not succeed."""

    is_success: bool = True


class _Series:
    """The numbers behind one `Figures`."""

    def __init__(self) -> None:
        self.count = 0
        self.successes = 0
        self.total_ms = 0.0
        self.min_ms = float("inf")
        self.max_ms = 0.0
        self.latest_ms: deque[float] = deque(maxlen=KEPT)
        self.counts = [0] * (len(BOUNDS_MS) + 1)
        self.last_error: str | None = None

    def add(self, ms: float, *, is_success: bool, error: str | None) -> None:
        self.count += 1
        self.successes += is_success
        self.total_ms += ms
        self.min_ms, self.max_ms = min(self.min_ms, ms), max(self.max_ms, ms)
        self.latest_ms.append(ms)
        self.counts[bisect_left(BOUNDS_MS, ms)] += 1
        self.last_error = error or self.last_error

    def times(self) -> Times:
        return Times(
            counts=tuple(self.counts),
            total_ms=self.total_ms,
            failures=self.count - self.successes,
        )

    def figures(self) -> Figures:
        ordered = sorted(self.latest_ms)
        return Figures(
            count=self.count,
            success_rate=self.successes / self.count,
            mean_ms=self.total_ms / self.count,
            min_ms=self.min_ms,
            max_ms=self.max_ms,
            p50_ms=percentile(ordered, 0.5),
            p95_ms=percentile(ordered, 0.95),
            last_error=self.last_error,
        )


class Performance:
    """Collects; may be written and read from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._series: dict[Kind, dict[str, _Series]] = {kind: {} for kind in Kind}

    @contextmanager
    def measure(self, kind: Kind, name: str) -> Iterator[Measurement]:
        """Time what runs inside. What it raises counts as no success, and is raised on."""
        measurement = Measurement()
        error: str | None = None
        began_s = self._clock()
        try:
            yield measurement
        except Exception as raised:
            measurement.is_success, error = False, f"{type(raised).__name__}: {raised}"
            raise
        finally:
            ms = (self._clock() - began_s) * 1000.0
            self._add(kind, name, ms, is_success=measurement.is_success, error=error)

    def took(self, kind: Kind, name: str, ms: float) -> None:
        """Note a success that was timed elsewhere."""
        self._add(kind, name, ms, is_success=True, error=None)

    def figures(self, kind: Kind) -> Mapping[str, Figures]:
        """By name, in the order in which they first came."""
        with self._lock:
            return {name: series.figures() for name, series in self._series[kind].items()}

    def times(self, kind: Kind) -> Mapping[str, Times]:
        """By name, likewise."""
        with self._lock:
            return {name: series.times() for name, series in self._series[kind].items()}

    def _add(
        self, kind: Kind, name: str, ms: float, *, is_success: bool, error: str | None
    ) -> None:
        with self._lock:
            by_name = self._series[kind]
            if name not in by_name and len(by_name) >= MOST_NAMES:
                name = OTHER
            series = by_name.setdefault(name, _Series())
            series.add(ms, is_success=is_success, error=error and error[:_LONGEST_ERROR])


def percentile(ordered: list[float], share: float) -> float:
    """The smallest of the values (in rising order, at least one) that `share` of them do not
    exceed: the nearest-rank percentile."""
    rank = -int(-share * len(ordered) // 1)  # rounded up
    return ordered[min(len(ordered), max(1, rank)) - 1]
