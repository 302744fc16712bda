"""What stands out is found, also among other outliers; what does not is left in peace."""

from __future__ import annotations

import math
import random

import pytest

from server.analytics.anomaly import LEAST_VALUES, LIMIT, anomalies, usual


def test_unit_is_the_standard_deviation_of_what_is_normal() -> None:
    chance = random.Random(1)
    found = usual([chance.gauss(50, 4) for _ in range(20_000)])
    assert found is not None
    assert found.middle == pytest.approx(50, abs=0.1)
    assert found.unit == pytest.approx(4, rel=0.03)


def test_a_third_of_outliers_hides_none_of_them() -> None:
    chance = random.Random(2)
    values = [chance.gauss(10, 1) for _ in range(40)] + [100.0] * 15
    found = anomalies(values)
    assert [one.index for one in found if one.value == 100.0] == list(range(40, 55))
    assert all(one.z_score > LIMIT for one in found if one.value == 100.0)


def test_few_of_what_is_normal_stand_out() -> None:
    chance = random.Random(3)
    found = anomalies([chance.gauss(0, 1) for _ in range(10_000)])
    assert len(found) < 20  # 4.7 are expected beyond 3.5 standard deviations


def test_where_most_are_equal_the_mean_distance_serves() -> None:
    values = [0.0] * 50 + [5.0]
    (found,) = anomalies(values)
    assert found.value == 5.0
    assert math.isfinite(found.z_score)
    assert anomalies([7.0] * 30) == ()
    same = usual([7.0] * 30)
    assert same is not None
    assert same.z_score(8.0) == math.inf
    assert same.z_score(6.0) == -math.inf


def test_trifles_do_not_stand_out_where_a_least_change_is_asked_for() -> None:
    values = [0.010 + 0.0001 * (number % 3) for number in range(60)] + [0.012]
    assert [one.value for one in anomalies(values)] == [0.012]
    assert anomalies(values, least_change=0.05) == ()


def test_too_few_values_have_no_usual() -> None:
    assert usual([1.0] * (LEAST_VALUES - 1)) is None
    assert anomalies([1.0, 1000.0]) == ()
