"""Rates of stretches of work, against values counted out by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from server.analytics.work import Work, together
from telemetry.distribution import SECONDS, Distribution, Spread

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


def test_stretches_add_up() -> None:
    first = Work(at=AT, seconds=60, requests=5, errors=1, times=spread_of(0.1), load=0.3)
    second = Work(at=AT, seconds=60, requests=7, errors=0, times=spread_of(0.2, 3.0), load=0.9)
    both = together([first, second])
    assert both is not None
    assert (both.seconds, both.requests, both.errors, both.load) == (120, 12, 1, 0.9)
    assert both.times is not None
    assert both.times.counts == spread_of(0.1, 0.2, 3.0).counts
