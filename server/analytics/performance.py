"""How one service fared over a stretch of time: score, trends, and when it stood out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from server.analytics.anomaly import Anomaly, anomalies
from server.analytics.score import Score, score
from server.analytics.trend import Trend, trend
from server.analytics.work import Work, together

MOST_POINTS: Final = 288
"""A day in steps of five minutes; longer stretches have longer steps."""
LEAST_STEP: Final = timedelta(minutes=5)
HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure that is looked at; what changes by less than `least_change` is no news."""

    of: Callable[[Work], float | None]
    least_change: float


FIGURES: Final[Mapping[str, Figure]] = {
    "response": Figure(of=lambda work: work.quantile_s(0.95), least_change=0.1),
    "errors": Figure(of=lambda work: work.error_rate, least_change=0.02),
    "rate": Figure(of=lambda work: work.rate, least_change=0.01),
}
"""`response` is the time in seconds that 95% do not exceed, `errors` 0..1, `rate` a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Steps in a row in which one figure stood out the same way; `worst` is the farthest value.

    `z_score` is that of the worst, `usual` what the figure mostly is.
    """

    figure: str
    begins_at: datetime
    ends_at: datetime
    worst: float
    usual: float
    z_score: float

    @property
    def is_high(self) -> bool:
        return self.worst > self.usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """`work` is all of it together; `trends` are by the hour, of figures that can be told."""

    service: str
    work: Work
    score: Score | None
    trends: Mapping[str, Trend]
    episodes: tuple[Episode, ...]


def performance(
    service: str, minutes: Sequence[Work], *, usual_rate: float | None = None
) -> Performance | None:
    """Of stretches in the order of their time, such as minutes; None of none.

    `usual_rate` is in requests a second, of the time before.
    """
    whole = together(minutes)
    if whole is None:
        return None
    steps = in_steps(minutes)
    series = {name: _series(steps, figure) for name, figure in FIGURES.items()}
    trends = {
        name: found
        for name, points in series.items()
        if (found := trend(_by_hours(points))) is not None
    }
    episodes = [
        episode for name, points in series.items() for episode in _episodes(name, points, steps)
    ]
    return Performance(
        service=service,
        work=whole,
        score=score(whole, usual_rate=usual_rate),
        trends=trends,
        episodes=tuple(sorted(episodes, key=lambda each: each.begins_at)),
    )


def usual_rate_of(minutes: Sequence[Work]) -> float | None:
    """The median of the minutes in which something was asked; None where nothing was."""
    rates = [work.rate for work in minutes if work.rate]
    return median(rates) if rates else None


def in_steps(minutes: Sequence[Work]) -> list[Work]:
    """The same in equal steps of the clock, at most `MOST_POINTS`; empty ones are left out."""
    if not minutes:
        return []
    span = minutes[-1].at - minutes[0].at
    step = max(LEAST_STEP, span / MOST_POINTS)
    found: dict[int, list[Work]] = {}
    for work in minutes:
        number = min(int((work.at - minutes[0].at) / step), MOST_POINTS - 1)
        found.setdefault(number, []).append(work)
    return [whole for parts in found.values() if (whole := together(parts)) is not None]


_Points = list[tuple[Work, float]]


def _series(steps: Sequence[Work], figure: Figure) -> _Points:
    """The steps in which the figure can be told, with its value."""
    return [(step, value) for step in steps if (value := figure.of(step)) is not None]


def _by_hours(points: _Points) -> list[tuple[float, float]]:
    if not points:
        return []
    begin = points[0][0].at
    return [((step.at - begin).total_seconds() / HOUR_S, value) for step, value in points]


def _episodes(name: str, points: _Points, steps: Sequence[Work]) -> list[Episode]:
    """Outliers that follow one another on the same side are one episode."""
    place = {id(step): number for number, step in enumerate(steps)}
    runs: list[list[Anomaly]] = []
    found = anomalies([value for _, value in points], least_change=FIGURES[name].least_change)
    for one in found:
        before = runs[-1][-1] if runs else None
        if before is not None and (before.z_score > 0) == (one.z_score > 0):
            gap = place[id(points[one.index][0])] - place[id(points[before.index][0])]
            if gap == 1:
                runs[-1].append(one)
                continue
        runs.append([one])
    return [_episode(name, run, points) for run in runs]


def _episode(name: str, run: Sequence[Anomaly], points: _Points) -> Episode:
    first, last = points[run[0].index][0], points[run[-1].index][0]
    worst = max(run, key=lambda one: abs(one.z_score))
    return Episode(
        figure=name,
        begins_at=first.at,
        ends_at=last.at + timedelta(seconds=last.seconds),
        worst=worst.value,
        usual=worst.usual,
        z_score=worst.z_score,
    )
