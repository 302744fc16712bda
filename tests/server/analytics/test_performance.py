"""A day with a slow-down, a burst of errors and a lull: each is found where it was put."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from server.analytics.insights import FEW_REQUESTS, Severity, insights
from server.analytics.performance import (
    LEAST_STEP,
    MOST_POINTS,
    Episode,
    in_steps,
    performance,
    usual_rate_of,
)
from server.analytics.trend import Direction
from tests.server.analytics.day import BEGIN, MINUTES, day_of


def between(begin: int, end: int, then: float, else_: float) -> object:
    return lambda minute: then if begin <= minute < end else else_


def episodes_of(minutes: list, figure: str) -> list[Episode]:  # type: ignore[type-arg]
    found = performance("ingest", minutes)
    assert found is not None
    return [each for each in found.episodes if each.figure == figure]


def test_a_quiet_day_is_good_and_has_nothing_to_tell() -> None:
    found = performance("ingest", day_of(), usual_rate=1.0)
    assert found is not None
    assert found.score is not None
    assert found.score.points > 95
    assert found.episodes == ()
    assert insights([found]) == ()


def test_a_slow_hour_is_found_where_it_was() -> None:
    slow = between(600, 660, 1.5, 0.05)
    (episode,) = episodes_of(day_of(seconds=slow), "response")  # type: ignore[arg-type]
    assert episode.begins_at == BEGIN + timedelta(minutes=600)
    assert episode.ends_at == BEGIN + timedelta(minutes=660)
    assert episode.worst > 1.0 > episode.usual
    assert episode.z_score > 3.5


def test_a_burst_of_errors_is_found_and_is_critical() -> None:
    burst = between(900, 910, 0.4, 0.002)
    found = performance("ingest", day_of(errors=burst))  # type: ignore[arg-type]
    assert found is not None
    (episode,) = [each for each in found.episodes if each.figure == "errors"]
    assert episode.begins_at == BEGIN + timedelta(minutes=900)
    assert episode.worst == pytest.approx(0.4, abs=0.05)
    (told,) = insights([found])
    assert told.severity is Severity.CRITICAL
    assert "2026-03-01 15:00 to 15:10 UTC" in told.text
    (there,) = insights([found], zone=ZoneInfo("Asia/Bangkok"))
    assert "2026-03-01 22:00 to 22:10 +07" in there.text


def test_a_lull_is_found_as_a_low_rate() -> None:
    lull = between(300, 360, 0.1, 1.0)
    (episode,) = episodes_of(day_of(rate=lull), "rate")  # type: ignore[arg-type]
    assert not episode.is_high
    assert episode.begins_at == BEGIN + timedelta(minutes=300)


def test_two_lulls_are_two_episodes() -> None:
    lulls = lambda minute: 0.1 if 300 <= minute < 330 or 400 <= minute < 430 else 1.0  # noqa: E731
    assert len(episodes_of(day_of(rate=lulls), "rate")) == 2


def test_what_grows_slower_all_day_is_a_trend_with_its_certainty() -> None:
    growing = day_of(seconds=lambda minute: 0.05 + 0.3 * minute / MINUTES)
    found = performance("ingest", growing)
    assert found is not None
    trend = found.trends["response"]
    assert trend.direction is Direction.RISING
    assert trend.low < trend.slope < trend.high
    # the 95th percentile of the times is about 1.64 times their middle: exp(0.3 x 1.645)
    assert trend.slope == pytest.approx(0.3 * 1.64 / 24, rel=0.3)
    assert any("rises by" in told.text for told in insights([found]))


def test_score_falls_with_what_is_wrong_and_says_what() -> None:
    found = performance("ingest", day_of(errors=lambda _: 0.06), usual_rate=1.0)
    assert found is not None
    assert found.score is not None
    assert found.score.points == pytest.approx(70, abs=2)
    (told,) = [each for each in insights([found]) if "score" in each.text]
    assert told.severity is Severity.WARNING
    assert told.text == "Rows from cameras: score 70 of 100, many requests fail"


def test_a_server_of_which_little_is_asked_is_in_no_trouble() -> None:
    idle = performance("server", day_of()[:1], usual_rate=1000.0)
    slow = performance("server", day_of(seconds=lambda _: 1.9)[:1])
    for found in (idle, slow):
        assert found is not None
        assert found.work.requests < FEW_REQUESTS
        assert {each.severity for each in insights([found])} <= {Severity.NOTE}
    usual = performance("ingest", day_of(), usual_rate=1000.0)
    assert usual is not None
    assert {each.severity for each in insights([usual]) if "score" in each.text} <= {Severity.NOTE}


def test_silent_cameras_come_first() -> None:
    found = performance("ingest", day_of(seconds=between(60, 120, 0.4, 0.05)))  # type: ignore[arg-type]
    assert found is not None
    told = insights([found], silent_cameras=["gate-1"])
    assert [each.subject for each in told] == ["gate-1", "ingest"]
    assert told[0].severity is Severity.CRITICAL


def test_steps_are_bounded_and_of_at_least_five_minutes() -> None:
    day = day_of()
    steps = in_steps(day)
    assert len(steps) == MINUTES / 5
    assert steps[1].at - steps[0].at == LEAST_STEP
    assert sum(step.requests for step in steps) == sum(work.requests for work in day)
    month = [
        replace(work, at=BEGIN + number * timedelta(minutes=30)) for number, work in enumerate(day)
    ]
    assert len(in_steps(month)) == MOST_POINTS
    assert in_steps([]) == []
    assert performance("ingest", []) is None


def test_usual_rate_is_that_of_minutes_in_which_something_was_asked() -> None:
    day = day_of(rate=lambda minute: 1.0 if minute >= 720 else 0.0)
    assert usual_rate_of(day) == pytest.approx(1.0, abs=0.05)
    assert usual_rate_of([]) is None
