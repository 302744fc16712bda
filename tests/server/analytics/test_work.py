"""Rates and quantiles of stretches of work, against values counted out by hand or by Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.analytics.work import Work, quantile, together
from telemetry.distribution import SECONDS, Distribution, Spread, difference, sum_of

AT = datetime(2026, 3, 1, tzinfo=UTC)


def spread_of(*values: float, bounds: tuple[float, ...] = SECONDS) -> Spread:
    made = Distribution(bounds)
    made.add_all(values)
    return made.spread()


def test_rates_are_of_the_stretch() -> None:
    work = Work(at=AT, seconds=10, requests=40, errors=2, times=spread_of(0.1, 0.3))
    assert (work.rate, work.error_rate) == (4.0, 0.05)
    assert work.mean_s == pytest.approx(0.2)


def test_of_nothing_nothing_is_told() -> None:
    work = Work(at=AT, seconds=0, requests=0, errors=0)
    assert (work.rate, work.error_rate, work.mean_s, work.quantile_s(0.95)) == (None,) * 4
    assert Work(at=AT, seconds=1, requests=0, errors=0, times=spread_of()).mean_s is None
    assert together([]) is None


def test_quantile_lies_where_prometheus_puts_it() -> None:
    spread = Spread((1.0, 2.0, 5.0), (2, 6, 2, 0), 20.0)
    assert quantile(spread, 0.5) == pytest.approx(1.5)  # the third of six between 1 and 2
    assert quantile(spread, 0.95) == pytest.approx(4.25)
    assert quantile(Spread((1.0, 2.0), (0, 0, 3), 30.0), 0.5) == 2.0  # beyond the last bound


@given(
    st.lists(st.floats(0.0001, 9.9), min_size=1, max_size=60),
    st.floats(0.01, 1.0),
)
def test_quantile_lies_in_the_range_of_the_value_it_stands_for(
    values: list[float], share: float
) -> None:
    found = quantile(spread_of(*values), share)
    ordered = sorted(values)
    rank = -int(-share * len(values) // 1)
    exact = ordered[max(0, rank - 1)]
    bounds = (0.0, *SECONDS)
    upper = next(bound for bound in bounds if bound >= exact)
    lower = max(bound for bound in bounds if bound < upper)
    assert found is not None
    assert lower <= found <= upper * (1 + 1e-9)


def test_stretches_add_up() -> None:
    first = Work(at=AT, seconds=60, requests=5, errors=1, times=spread_of(0.1), load=0.3)
    second = Work(at=AT, seconds=60, requests=7, errors=0, times=spread_of(0.2, 3.0), load=0.9)
    both = together([first, second])
    assert both is not None
    assert (both.seconds, both.requests, both.errors, both.load) == (120, 12, 1, 0.9)
    assert both.times is not None
    assert both.times.counts == spread_of(0.1, 0.2, 3.0).counts


def test_difference_is_what_came_between_and_all_after_a_new_start() -> None:
    before, now = spread_of(0.1, 0.2), spread_of(0.1, 0.2, 3.0)
    assert difference(now, before).count == 1
    assert difference(now, before).total == pytest.approx(3.0)
    assert difference(before, now) == before
    both = sum_of([difference(now, before), before])
    assert both is not None
    assert both.counts == now.counts
    assert both.total == pytest.approx(now.total)
