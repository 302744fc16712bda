"""What somebody should know and do, in words, from what the analyses found. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import IntEnum
from typing import Final

from server.analytics.performance import Episode, Performance
from server.analytics.score import MANY_ERRORS, SLOW_S
from server.analytics.silence import Silence
from server.analytics.trend import Direction, Trend

GOOD_SCORE: Final = 80.0
POOR_SCORE: Final = 50.0
FEW_REQUESTS: Final = 100
"""In a day: of fewer a score is told, and worries nobody."""
STEEP: Final = 0.2
"""A trend is told that changes a figure by this share of its usual value in a day."""
DAY_H: Final = 24.0


class Severity(IntEnum):
    """How much it matters; more is worse."""

    NOTE = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """One thing to know about a service or camera, and what to do about it."""

    severity: Severity
    subject: str
    text: str
    advice: str


_ADVICE: Final = {
    ("response", True): "look at what else used disk and processor then; the log names slow groups",
    ("errors", True): "see which code was refused (sightpost_ingest_refused_total) and the log",
    ("rate", True): "cameras that came back send what they kept; otherwise see who asks so much",
    ("rate", False): "see whether cameras were silent then, or the line down",
}
SERVICE_NAMES: Final = {
    "ingest": "Rows from cameras",
    "server": "Pages and REST",
    "plate_recognition": "Plates",
    "face_detection": "Faces",
    "face_recognition": "Face recognition",
}
"""As people know the services."""
_NAMES: Final = {
    "response": "response time (95%)",
    "errors": "share of errors",
    "rate": "requests a second",
}
_ASKED: Final = "throughput"
_WEAK: Final = {
    "response": "answers are slow",
    "errors": "many requests fail",
    _ASKED: "less is asked than usual",
    "resources": "processor, memory or the room for rows was nearly used up",
}


def insights(
    found: Sequence[Performance],
    *,
    silent_cameras: Sequence[str] = (),
    silences: Sequence[Silence] = (),
    zone: tzinfo = UTC,
) -> tuple[Insight, ...]:
    """All of them, the gravest first; times are those of `zone`. `silent_cameras` are not heard
    now, `silences` when cameras saw nothing."""
    told = [*_of_cameras(silent_cameras), *_of_silences(silences, zone)]
    for each in found:
        told += [*_of_score(each), *_of_episodes(each, zone), *_of_trends(each)]
    return tuple(sorted(told, key=lambda insight: -insight.severity))


def _of_cameras(silent: Sequence[str]) -> Iterator[Insight]:
    for camera in silent:
        yield Insight(
            severity=Severity.CRITICAL,
            subject=camera,
            text=f"camera {camera} is not heard",
            advice="look at its power and network: it keeps its rows, and sends them later",
        )


def _of_silences(found: Sequence[Silence], zone: tzinfo) -> Iterator[Insight]:
    for silence in found:
        span = _span(silence.begins_at.astimezone(zone), silence.ends_at.astimezone(zone))
        yield Insight(
            severity=Severity.WARNING,
            subject=silence.camera,
            text=f"camera {silence.camera} saw nothing {span}; "
            f"in the same hours before it saw {silence.missed:,}",
            advice="see in its books whether rows are missing or still on the camera; if not, look "
            "at its view, its source and its light",
        )


def _of_score(found: Performance) -> Iterator[Insight]:
    score = found.score
    if score is None or score.points >= GOOD_SCORE:
        return
    weakest = min(score.parts, key=lambda part: score.parts[part])
    severity = Severity.CRITICAL if score.points < POOR_SCORE else Severity.WARNING
    is_idle = all(part >= GOOD_SCORE / 100 for name, part in score.parts.items() if name != _ASKED)
    if is_idle or found.work.requests < FEW_REQUESTS:
        severity = Severity.NOTE  # that little is asked is no fault, and little tells little
    yield Insight(
        severity=severity,
        subject=found.service,
        text=f"{_named(found)}: score {score.points:.0f} of 100, {_WEAK[weakest]}",
        advice="its parts are "
        + ", ".join(f"{name} {value:.2f}" for name, value in score.parts.items())
        + " (1 is best)",
    )


def _of_episodes(found: Performance, zone: tzinfo) -> Iterator[Insight]:
    for episode in found.episodes:
        advice = _ADVICE.get((episode.figure, episode.is_high))
        if advice is None:  # fewer errors and quicker answers are no trouble
            continue
        yield Insight(
            severity=_gravity(episode),
            subject=found.service,
            text=f"{_named(found)}: {_NAMES[episode.figure]} {_worded(episode)} "
            f"{_span(episode.begins_at.astimezone(zone), episode.ends_at.astimezone(zone))}",
            advice=advice,
        )


def _gravity(episode: Episode) -> Severity:
    """Beyond what an alert speaks at it is critical."""
    limits = {"response": SLOW_S, "errors": MANY_ERRORS}
    limit = limits.get(episode.figure)
    if limit is not None and episode.worst > limit:
        return Severity.CRITICAL
    return Severity.WARNING


def _of_trends(found: Performance) -> Iterator[Insight]:
    for name, trend in found.trends.items():
        if name == "rate" or trend.direction is not Direction.RISING:
            continue
        usual = {"response": found.work.quantile_s(0.95), "errors": found.work.error_rate}[name]
        if not usual or trend.low * DAY_H < STEEP * usual:
            continue
        yield Insight(
            severity=Severity.NOTE,
            subject=found.service,
            text=f"{_named(found)}: {_NAMES[name]} rises by {_change(name, trend)} a day",
            advice="watch it; at this pace it becomes noticeable",
        )


def _named(found: Performance) -> str:
    return SERVICE_NAMES.get(found.service, found.service)


def _change(name: str, trend: Trend) -> str:
    low, high = trend.low * DAY_H, trend.high * DAY_H
    return f"{_value(name, low)} to {_value(name, high)}"


def _worded(episode: Episode) -> str:
    way = "up to" if episode.is_high else "down to"
    return f"{way} {_value(episode.figure, episode.worst)}, usually " + _value(
        episode.figure, episode.usual
    )


def _value(name: str, value: float) -> str:
    match name:
        case "response":
            return f"{value:.2f} s"
        case "errors":
            return f"{value:.1%}"
        case _:
            return f"{value:.2f}"


def _span(begin: datetime, end: datetime) -> str:
    last = f"{end:%H:%M}" if end.date() == begin.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"from {begin:%Y-%m-%d %H:%M} to {last} {begin:%Z}"
