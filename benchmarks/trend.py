"""Whether a series of figures rises: the Theil-Sen slope with its confidence interval. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Final

Z_95: Final = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Units of the figures by units of the positions; `low` and `high` bound it with 95%."""

    slope: float
    low: float
    high: float

    @property
    def is_flat(self) -> bool:
        """Whether no slope is as good an explanation as this one."""
        return self.low <= 0.0 <= self.high


def trend_of(points: Sequence[tuple[float, float]]) -> Trend:
    """Of (position, figure) with different positions, three at least; raises ValueError.

    The median of the slopes of all pairs, and the interval that the variance of Kendall's tau
    gives (P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968).
    """
    if len(points) < 3:
        raise ValueError(f"{len(points)} points show no trend: at least 3 are needed")
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2))
    count = len(points)
    reach = Z_95 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    lower = math.floor((len(slopes) - reach) / 2)
    upper = math.ceil((len(slopes) + reach) / 2)
    return Trend(
        slope=median(slopes),
        low=slopes[max(0, lower)],
        high=slopes[min(len(slopes) - 1, upper)],
    )


def minute_medians(samples: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of (seconds, figure): (minute, median of the figures in it), for whole minutes only."""
    minutes: dict[int, list[float]] = {}
    for at_s, figure in samples:
        minutes.setdefault(int(at_s // 60), []).append(figure)
    if minutes and max(at_s for at_s, _ in samples) % 60 < 55:
        minutes.pop(max(minutes))
    return [(float(minute), median(figures)) for minute, figures in sorted(minutes.items())]
