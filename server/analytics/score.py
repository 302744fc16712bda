"""One number for how well a service works, and the formula behind it. Pure.

score = 100 x (0.3 response + 0.3 errors + 0.2 throughput + 0.2 resources), each part 0..1:

- response: 1 where 95% of the requests take `FAST_S` at most, 0 from `SLOW_S` on (where an alert
  speaks), in between falling with the logarithm, for a delay is felt by its factor;
- errors: 1 without any, 0 from `MANY_ERRORS` on (likewise), in between even;
- throughput: the rate as a share of the usual one, at most 1;
- resources: 1 while the fullest is half full or less, 0 when it is full, in between even.

A part that cannot be told is left out and the weights of the others grow in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from server.analytics.work import Work

WEIGHTS: Final[Mapping[str, float]] = {
    "response": 0.3,
    "errors": 0.3,
    "throughput": 0.2,
    "resources": 0.2,
}
FAST_S: Final = 0.1
SLOW_S: Final = 2.0
MANY_ERRORS: Final = 0.05
COMFORTABLE_LOAD: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """`points` are 0..100; `parts` those that could be told, each 0..1."""

    points: float
    parts: Mapping[str, float]


def score(work: Work, *, usual_rate: float | None = None) -> Score | None:
    """None where no part can be told. `usual_rate` is in requests a second."""
    told = {
        "response": _response(work.quantile_s(0.95)),
        "errors": _errors(work.error_rate),
        "throughput": _throughput(work.rate, usual_rate),
        "resources": _resources(work.load),
    }
    parts = {name: value for name, value in told.items() if value is not None}
    weight = sum(WEIGHTS[name] for name in parts)
    if not parts:
        return None
    points = 100 * sum(WEIGHTS[name] * value for name, value in parts.items()) / weight
    return Score(points=points, parts=parts)


def _response(p95_s: float | None) -> float | None:
    if p95_s is None:
        return None
    if p95_s <= FAST_S:
        return 1.0
    return _bounded(1 - math.log(p95_s / FAST_S) / math.log(SLOW_S / FAST_S))


def _errors(rate: float | None) -> float | None:
    return None if rate is None else _bounded(1 - rate / MANY_ERRORS)


def _throughput(rate: float | None, usual_rate: float | None) -> float | None:
    if rate is None or not usual_rate:
        return None
    return _bounded(rate / usual_rate)


def _resources(load: float | None) -> float | None:
    if load is None:
        return None
    return _bounded((1 - load) / (1 - COMFORTABLE_LOAD))


def _bounded(value: float) -> float:
    return min(1.0, max(0.0, value))
