"""What the pipeline did and how long its stages took, in bounded memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

_KEPT = 512


class Clock(Protocol):
    """Steady seconds, such as `time.perf_counter`."""

    def __call__(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """Of one stage: how often, mean over all runs, 95th percentile over the last 512."""

    count: int
    mean_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStats:
    """Counts since the start. `gated_frames` are those in which nothing moved; `refused` counts
    plates (not frames) that were not handed on, `refusals` by reason."""

    frames: int
    gated_frames: int
    reads: int
    sightings: int
    refused: int
    refusals: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, StageTime] = field(default_factory=dict)


class Tally:
    """Collects the numbers behind `PipelineStats`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals: Counter[str] = Counter()
        self._total_ms: dict[str, float] = {}
        self._count: Counter[str] = Counter()
        self._last_ms: dict[str, deque[float]] = {}
        self.frames = 0
        self.gated_frames = 0
        self.reads = 0
        self.sightings = 0

    def refuse(self, reason: str) -> None:
        self._refusals[reason] += 1

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        began = self._clock()
        try:
            yield
        finally:
            self.took(name, (self._clock() - began) * 1000.0)

    def took(self, name: str, ms: float) -> None:
        self._count[name] += 1
        self._total_ms[name] = self._total_ms.get(name, 0.0) + ms
        self._last_ms.setdefault(name, deque(maxlen=_KEPT)).append(ms)

    def snapshot(self) -> PipelineStats:
        return PipelineStats(
            frames=self.frames,
            gated_frames=self.gated_frames,
            reads=self.reads,
            sightings=self.sightings,
            refused=self._refusals.total(),
            refusals=dict(self._refusals),
            stages={name: self._stage_time(name) for name in self._count},
        )

    def _stage_time(self, name: str) -> StageTime:
        ordered = sorted(self._last_ms[name])
        return StageTime(
            count=self._count[name],
            mean_ms=self._total_ms[name] / self._count[name],
            p95_ms=ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        )
