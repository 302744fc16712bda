"""A camera is silent where it saw nothing and had seen much in the same hours before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server.analytics.insights import Severity, insights
from server.analytics.silence import LEAST_MISSED, Silence, silences
from server.analytics.usage import HourCount

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def hours(
    counts: dict[int, int], camera: str = "gate-1", *, begin: datetime = BEGIN
) -> list[HourCount]:
    """Counts by hour after `begin`."""
    return [HourCount(at=begin + hour * HOUR, camera=camera, count=n) for hour, n in counts.items()]


def found(
    now: list[HourCount], before: list[HourCount], end: datetime = BEGIN + DAY
) -> tuple[Silence, ...]:
    return silences(now, before, begin=BEGIN, end=end, back=DAY)


USUAL = dict.fromkeys(range(6, 22), 30)


def test_hours_without_what_was_usual_are_one_silence() -> None:
    now = {hour: 30 for hour in USUAL if hour not in (10, 11, 12)}
    (silence,) = found(hours(now), hours(USUAL, begin=BEGIN - DAY))
    assert (silence.begins_at, silence.ends_at) == (BEGIN + 10 * HOUR, BEGIN + 13 * HOUR)
    assert (silence.camera, silence.missed) == ("gate-1", 90)


def test_a_night_is_no_silence_nor_is_the_absence_of_a_few() -> None:
    assert found(hours(USUAL), hours(USUAL, begin=BEGIN - DAY)) == ()
    few = {9: LEAST_MISSED - 1}
    assert found([], hours(few, begin=BEGIN - DAY)) == ()


def test_one_camera_does_not_speak_for_another_and_an_hour_not_over_is_not_judged() -> None:
    before = [*hours({8: 40}, begin=BEGIN - DAY), *hours({8: 40}, "gate-2", begin=BEGIN - DAY)]
    now = hours({8: 1}, "gate-2")
    (silence,) = found(now, before)
    assert silence.camera == "gate-1"
    assert found(now, before, BEGIN + 8.5 * HOUR) == ()


def test_it_is_told_with_what_to_do() -> None:
    (silence,) = found([], hours({8: 40}, begin=BEGIN - DAY))
    (told,) = insights([], silences=[silence])
    assert (told.severity, told.subject) == (Severity.WARNING, "gate-1")
    assert "saw nothing from 2026-03-02 00:00 to 2026-03-03 00:00" in told.text
    assert "40" in told.text
    assert "source" in told.advice
