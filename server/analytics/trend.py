"""Whether a figure rises or falls, and how sure that is: a line and its uncertainty. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist, fmean
from typing import Final

LEAST_POINTS: Final = 5
"""Fewer say nothing worth a line."""
CERTAINTY: Final = 0.95


class Direction(StrEnum):
    """`UNCLEAR`: the line may as well be level."""

    RISING = "rising"
    FALLING = "falling"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The change of a figure in one unit of time, with its interval of 95% certainty.

    The interval takes the points as independent of one another: where they are not (minutes of a
    busy hour), it is too narrow.
    """

    slope: float
    low: float
    high: float
    points: int

    @property
    def direction(self) -> Direction:
        if self.low > 0:
            return Direction.RISING
        return Direction.FALLING if self.high < 0 else Direction.UNCLEAR


def trend(points: Sequence[tuple[float, float]]) -> Trend | None:
    """Of (time, value) pairs, by least squares; None of fewer than `LEAST_POINTS`, or of one time.

    Standard error of the slope: Draper and Smith, Applied Regression Analysis (1998), section 1.4.
    """
    count = len(points)
    if count < LEAST_POINTS:
        return None
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    if spread <= 0:
        return None
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = math.fsum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    error = math.sqrt(rest / (count - 2) / spread)
    reach = student_quantile((1 + CERTAINTY) / 2, count - 2) * error
    return Trend(slope=slope, low=slope - reach, high=slope + reach, points=count)


def student_quantile(share: float, freedom: int) -> float:
    """Of Student's t from three degrees of freedom on, to a third decimal or better from five on.

    Abramowitz and Stegun, Handbook of Mathematical Functions (1964), formula 26.7.5.
    """
    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, start=1))
