"""Values that stand out from what is usual, by how far and which way. Pure.

The usual is the median and the spread around it the median of the distances (MAD): one outlier, or
an hour of them, does not make itself usual, as it would with mean and standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

LIMIT: Final = 3.5
"""Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), section 3.3."""
NORMAL_MAD: Final = 0.6745
"""MAD of the normal distribution with a standard deviation of 1."""
NORMAL_MEAN: Final = 0.7979
"""Mean distance of the same, used where more than half of the values are equal (MAD 0)."""
LEAST_VALUES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual: `middle`, and `unit`, one standard deviation were it normal."""

    middle: float
    unit: float

    def z_score(self, value: float) -> float:
        """How many units above the middle; below it is negative. Where every value was the same,
        another one is infinitely far."""
        if value == self.middle:
            return 0.0
        if self.unit == 0:
            return float("inf") if value > self.middle else float("-inf")
        return (value - self.middle) / self.unit


def usual(values: Sequence[float]) -> Usual | None:
    """None of fewer than `LEAST_VALUES`."""
    if len(values) < LEAST_VALUES:
        return None
    middle = median(values)
    distances = [abs(value - middle) for value in values]
    mad = median(distances)
    unit = mad / NORMAL_MAD if mad > 0 else fmean(distances) / NORMAL_MEAN
    return Usual(middle=middle, unit=unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One value that stands out: the how-manieth of the series, and what had been usual."""

    index: int
    value: float
    z_score: float
    usual: float


def anomalies(
    values: Sequence[float], *, least_change: float = 0.0, limit: float = LIMIT
) -> tuple[Anomaly, ...]:
    """Those of a series that stand out from the whole of it by more than `limit` units, and by at
    least `least_change`: what is steady makes every trifle stand out."""
    normal = usual(values)
    if normal is None:
        return ()
    return tuple(
        Anomaly(index=index, value=value, z_score=score, usual=normal.middle)
        for index, value in enumerate(values)
        if abs(score := normal.z_score(value)) > limit
        and abs(value - normal.middle) >= least_change
    )
