"""Distributions: what they say of the values that were counted, added up and taken apart."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.distribution import SECONDS, Distribution, Spread, difference, sum_of


def spread_of(*values: float) -> Spread:
    made = Distribution(SECONDS)
    made.add_all(values)
    return made.spread()


def test_quantile_lies_where_prometheus_puts_it() -> None:
    spread = Spread((1.0, 2.0, 5.0), (2, 6, 2, 0), 20.0)
    assert spread.quantile(0.5) == pytest.approx(1.5)  # the third of six between 1 and 2
    assert spread.quantile(0.95) == pytest.approx(4.25)
    assert Spread((1.0, 2.0), (0, 0, 3), 30.0).quantile(0.5) == 2.0  # beyond the last bound
    assert spread_of().quantile(0.5) is None


@given(
    st.lists(st.floats(0.0001, 9.9), min_size=1, max_size=60),
    st.floats(0.01, 1.0),
)
def test_quantile_lies_in_the_range_of_the_value_it_stands_for(
    values: list[float], share: float
) -> None:
    found = spread_of(*values).quantile(share)
    ordered = sorted(values)
    rank = -int(-share * len(values) // 1)
    exact = ordered[max(0, rank - 1)]
    bounds = (0.0, *SECONDS)
    upper = next(bound for bound in bounds if bound >= exact)
    lower = max(bound for bound in bounds if bound < upper)
    assert found is not None
    assert lower <= found <= upper * (1 + 1e-9)


def test_difference_is_what_came_between_and_all_after_a_new_start() -> None:
    before, now = spread_of(0.1, 0.2), spread_of(0.1, 0.2, 3.0)
    assert difference(now, before).count == 1
    assert difference(now, before).total == pytest.approx(3.0)
    assert difference(before, now) == before
    both = sum_of([difference(now, before), before])
    assert both is not None
    assert both.counts == now.counts
    assert both.total == pytest.approx(now.total)


def test_spreads_that_are_dropped_leave_nothing_in_memory() -> None:
    spread = spread_of(0.02)
    before = sys.getallocatedblocks()
    for _ in range(1000):
        assert sum_of([difference(spread, spread), spread]) is not None
    assert sys.getallocatedblocks() - before < 100
