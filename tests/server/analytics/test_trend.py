"""The line is the one that made the points; its interval holds the truth as often as it says."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.analytics.trend import LEAST_POINTS, Direction, student_quantile, trend


@given(st.floats(-100, 100), st.floats(-100, 100), st.integers(LEAST_POINTS, 50))
def test_points_on_a_line_give_the_line(slope: float, start: float, count: int) -> None:
    found = trend([(float(x), start + slope * x) for x in range(count)])
    assert found is not None
    assert found.slope == pytest.approx(slope, abs=1e-6)
    assert found.low == pytest.approx(found.high, abs=1e-3)


def test_interval_holds_the_true_slope_in_95_of_100_cases() -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(1000):
        points = [(float(x), 0.2 * x + chance.gauss(0, 1)) for x in range(12)]
        found = trend(points)
        assert found is not None
        held += found.low <= 0.2 <= found.high
    assert 930 <= held <= 970


@pytest.mark.parametrize(
    ("slope", "direction"),
    [(0.5, Direction.RISING), (-0.5, Direction.FALLING), (0.0, Direction.UNCLEAR)],
)
def test_direction_is_told_only_where_it_is_sure(slope: float, direction: Direction) -> None:
    chance = random.Random(5)
    found = trend([(float(x), slope * x + chance.gauss(0, 1)) for x in range(30)])
    assert found is not None
    assert found.direction is direction


def test_too_few_points_or_one_moment_say_nothing() -> None:
    assert trend([(float(x), 1.0) for x in range(LEAST_POINTS - 1)]) is None
    assert trend([(1.0, float(y)) for y in range(20)]) is None


@pytest.mark.parametrize(
    ("freedom", "value", "error"),
    [(3, 3.182, 0.03), (5, 2.571, 0.003), (10, 2.228, 0.001), (30, 2.042, 0.001)],
)
def test_quantiles_are_those_of_the_tables(freedom: int, value: float, error: float) -> None:
    assert student_quantile(0.975, freedom) == pytest.approx(value, abs=error)
