"""What the pipeline did and how long it took, in bounded memory, and how that is told."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from vision.performance import Clock, Figures, Kind, Measurement, Performance

SUMMARY_INTERVAL_S = 300.0
KEPT_REFUSED = 24
"""Plates that were refused: the last so many can be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPlate:
    """A plate that was read and not handed on, and why (`agent.pipeline.rules.Refusal`).
    `captured_at` is when its best picture was taken, `readings` how often it was read."""

    text: str
    confidence: float
    reason: str
    readings: int
    captured_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStats:
    """Counts since the start. `gated_frames` are those in which nothing moved; `refused` counts
    plates (not frames) that were not handed on, `refusals` by reason, and `latest_refused` are the
    last of them, the newest first. `stages` lie inside one
    another: `frame` is all of a frame, `read` a look by the reader, `read.detect` a part of it.
    `methods` are the ways to look, which succeed where they find a plate; `models` the networks."""

    frames: int
    gated_frames: int
    reads: int
    sightings: int
    refused: int
    refusals: Mapping[str, int] = field(default_factory=dict)
    latest_refused: tuple[RefusedPlate, ...] = ()
    stages: Mapping[str, Figures] = field(default_factory=dict)
    methods: Mapping[str, Figures] = field(default_factory=dict)
    models: Mapping[str, Figures] = field(default_factory=dict)


class Tally:
    """Collects the numbers behind `PipelineStats`."""

    def __init__(self, performance: Performance) -> None:
        self.performance = performance
        self._refusals: Counter[str] = Counter()
        self._latest_refused: deque[RefusedPlate] = deque(maxlen=KEPT_REFUSED)
        self.frames = 0
        self.gated_frames = 0
        self.reads = 0
        self.sightings = 0

    def refuse(self, reason: str) -> None:
        self._refusals[reason] += 1

    def refuse_plate(self, plate: RefusedPlate) -> None:
        self.refuse(plate.reason)
        self._latest_refused.appendleft(plate)

    def stage(self, name: str) -> AbstractContextManager[Measurement]:
        """Time what runs inside."""
        return self.performance.measure(Kind.STAGE, name)

    def method(self, name: str) -> AbstractContextManager[Measurement]:
        """Likewise, for a way to look."""
        return self.performance.measure(Kind.METHOD, name)

    def took(self, name: str, ms: float) -> None:
        self.performance.took(Kind.STAGE, name, ms)

    def snapshot(self) -> PipelineStats:
        refusals = dict(self._refusals)
        return PipelineStats(
            frames=self.frames,
            gated_frames=self.gated_frames,
            reads=self.reads,
            sightings=self.sightings,
            refused=sum(refusals.values()),
            refusals=refusals,
            latest_refused=tuple(self._latest_refused),
            stages=self.performance.figures(Kind.STAGE),
            methods=self.performance.figures(Kind.METHOD),
            models=self.performance.figures(Kind.MODEL),
        )


class SummaryTimer:
    """Says when the next summary is due: every five minutes in which there were frames."""

    def __init__(self, clock: Clock, interval_s: float = SUMMARY_INTERVAL_S) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._said_s = clock()
        self._said_frames = 0

    def is_due(self, frames: int, *, at_end: bool = False) -> bool:
        """True once for each interval; at the end, where frames have come since the last time."""
        now_s = self._clock()
        is_time = at_end or now_s - self._said_s >= self._interval_s
        if not is_time or frames == self._said_frames:
            return False
        self._said_s, self._said_frames = now_s, frames
        return True


def summary(stats: PipelineStats) -> dict[str, Any]:
    """The keys of a log line: counts, and for each stage and model `mean/p95 ms (success)`."""
    return {
        "frames": stats.frames,
        "gated": stats.gated_frames,
        "reads": stats.reads,
        "sightings": stats.sightings,
        "refused": stats.refused,
        **{name: _brief(figures) for name, figures in stats.stages.items() if "." not in name},
        **{name: _brief(figures) for name, figures in stats.models.items()},
    }


def report(stats: PipelineStats) -> str:
    """The figures as one line of JSON, times with three decimals. Plates are none."""
    figures = asdict(stats)
    del figures["latest_refused"]
    return json.dumps(_rounded(figures))


def _brief(figures: Figures) -> str:
    text = f"{figures.mean_ms:.1f}/{figures.p95_ms:.1f}ms"
    return text if figures.success_rate == 1.0 else f"{text}({figures.success_rate:.1%})"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 3) if isinstance(value, float) else value
