"""The score is its formula: counted out by hand, and bounded whatever comes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.analytics.score import FAST_S, SLOW_S, WEIGHTS, score
from server.analytics.work import Work
from telemetry.distribution import Spread

AT = datetime(2026, 3, 1, tzinfo=UTC)


def work(
    *, p95_s: float | None = None, requests: int = 100, errors: int = 0, load: float | None = None
) -> Work:
    times = None if p95_s is None else Spread((p95_s / 0.95,), (100, 0), 1.0)
    return Work(at=AT, seconds=10, requests=requests, errors=errors, times=times, load=load)


def test_all_that_is_well_is_a_hundred() -> None:
    found = score(work(p95_s=FAST_S, load=0.4), usual_rate=10.0)
    assert found is not None
    assert found.points == pytest.approx(100)
    assert set(found.parts) == set(WEIGHTS)


def test_all_that_is_ill_is_nothing() -> None:
    found = score(work(p95_s=SLOW_S, requests=100, errors=5, load=1.0), usual_rate=1e9)
    assert found is not None
    assert found.points == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("given_work", "usual_rate", "points"),
    [
        (work(p95_s=(FAST_S * SLOW_S) ** 0.5, load=0.4), 10.0, 85.0),  # half of the 30 is lost
        (work(p95_s=FAST_S, errors=1, load=0.4), 10.0, 94.0),  # a fifth of the 30
        (work(p95_s=FAST_S, load=0.4), 20.0, 90.0),  # half of the 20
        (work(p95_s=FAST_S, load=0.75), 10.0, 90.0),  # half of the 20
    ],
)
def test_each_part_weighs_what_is_written(
    given_work: Work, usual_rate: float, points: float
) -> None:
    found = score(given_work, usual_rate=usual_rate)
    assert found is not None
    assert found.points == pytest.approx(points)


def test_what_cannot_be_told_is_left_out_and_the_others_weigh_more() -> None:
    found = score(work(p95_s=SLOW_S))
    assert found is not None
    assert set(found.parts) == {"response", "errors"}
    assert found.points == pytest.approx(50)
    assert score(Work(at=AT, seconds=0, requests=0, errors=0)) is None


@given(
    st.floats(1e-6, 1e6),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.floats(0, 2),
    st.floats(0, 1e6),
)
def test_points_stay_within_0_and_100(
    p95_s: float, requests: int, errors: int, load: float, usual_rate: float
) -> None:
    found = score(
        work(p95_s=p95_s, requests=requests, errors=errors, load=load), usual_rate=usual_rate
    )
    assert found is not None
    assert 0 <= found.points <= 100 + 1e-9
