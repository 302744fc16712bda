"""Health over time as points of small charts, and states as bars. Pure: numbers in, numbers out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

WIDTH: Final = 240
HEIGHT: Final = 48
"""Of a chart's own coordinates; the page stretches it."""
SHORTEST_S: Final = 600.0
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A line through `points` ("x,y x,y ..."), and the values at its ends and extremes."""

    title: str
    unit: str
    points: str
    latest: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time during which a component was in one state, in the bar's coordinates."""

    status: str
    x: float
    width: float
    since: str


def moment_s(text: str) -> float | None:
    """Seconds since 1970 of a row's timestamp; naive ones are this machine's local time."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def span_of(
    checks: Iterable[Mapping[str, Any]], *, longest_s: float, now_s: float
) -> tuple[float, float]:
    """From the first check, but not longer ago than `longest_s` and at least ten minutes."""
    moments = (moment_s(check["timestamp"]) for check in checks)
    first_s = min((moment for moment in moments if moment is not None), default=now_s)
    return max(now_s - longest_s, min(first_s, now_s - SHORTEST_S)), now_s


def length_in_words(span: tuple[float, float]) -> str:
    """Such as "24 hours"."""
    minutes = round((span[1] - span[0]) / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"


def line(
    title: str,
    unit: str,
    samples: Sequence[tuple[float, float]],
    *,
    span: tuple[float, float],
    limits: tuple[float, float] | None = None,
) -> Chart | None:
    """From (seconds, value) in any order; None of fewer than two. `limits` of the values' axis."""
    inside = sorted((at, value) for at, value in samples if span[0] <= at <= span[1])
    if len(inside) < 2:
        return None
    values = [value for _, value in inside]
    low, high = limits or (min(values), max(values))
    height = (high - low) or 1.0
    points = " ".join(
        f"{_x(at, span):.1f},{HEIGHT - 2 - (HEIGHT - 4) * (value - low) / height:.1f}"
        for at, value in inside
    )
    return Chart(
        title=title,
        unit=unit,
        points=points,
        latest=values[-1],
        lowest=min(values),
        highest=max(values),
    )


def stretches(
    checks: Iterable[Mapping[str, Any]], *, span: tuple[float, float]
) -> dict[str, list[Stretch]]:
    """By component: its states over the span, each from its check to the next one."""
    found: dict[str, list[tuple[float, str, str]]] = {}
    for check in checks:
        at = moment_s(check["timestamp"])
        if at is not None and span[0] <= at <= span[1]:
            row = (at, check["status"], check["timestamp"])
            found.setdefault(check["component"], []).append(row)
    return {component: _joined(sorted(rows), span) for component, rows in sorted(found.items())}


def measures(checks: Iterable[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    """(seconds, value) of a number in the checks' parsed `system_info`, once for each moment."""
    found: dict[float, float] = {}
    for check in checks:
        at = moment_s(check["timestamp"])
        number = _NUMBER.search(str(check["system_info"].get(key, "")))
        if at is not None and number is not None:
            found[at] = float(number.group())
    return sorted(found.items())


def _joined(rows: Sequence[tuple[float, str, str]], span: tuple[float, float]) -> list[Stretch]:
    """Neighbours of one state are one stretch."""
    begins: list[tuple[float, str, str]] = []
    for row in rows:
        if not begins or begins[-1][1] != row[1]:
            begins.append(row)
    ends = [at for at, _, _ in begins[1:]] + [span[1]]
    return [
        Stretch(
            status=status, x=_x(at, span), width=max(0.5, _x(end, span) - _x(at, span)), since=since
        )
        for (at, status, since), end in zip(begins, ends, strict=True)
    ]


def _x(at: float, span: tuple[float, float]) -> float:
    return WIDTH * (at - span[0]) / ((span[1] - span[0]) or 1.0)
