"""Usage is counted by the days and hours of the place, and people by what they did."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.analytics.usage import Deeds, Growth, HourCount, people, sightings

BANGKOK = ZoneInfo("Asia/Bangkok")
AT = datetime(2026, 3, 1, tzinfo=UTC)


def hour(number: int, count: int, camera: str = "gate-1") -> HourCount:
    return HourCount(at=AT + timedelta(hours=number), camera=camera, count=count)


def test_days_and_hours_are_those_of_the_zone() -> None:
    found = sightings([hour(16, 3), hour(17, 5, "gate-2"), hour(40, 2)], BANGKOK)
    assert found.total == 10
    assert found.by_day == {date(2026, 3, 1): 3, date(2026, 3, 2): 7}
    assert (found.by_hour[23], found.by_hour[0]) == (5, 5)
    assert found.by_camera == {"gate-1": 5, "gate-2": 5}


def test_busiest_hours_are_those_with_most_and_none_without_any() -> None:
    counts = [hour(8, 5), hour(32, 6), hour(17, 9), hour(12, 2), hour(3, 1)]
    assert sightings(counts, UTC).busiest == (8, 17, 12)
    assert sightings([hour(4, 1)], UTC).busiest == (4,)
    assert sightings([], UTC).busiest == ()


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 50), st.sampled_from("abc"))))
def test_every_way_of_counting_comes_to_the_same(given_counts: list[tuple[int, int, str]]) -> None:
    found = sightings([hour(*each) for each in given_counts], BANGKOK)
    totals = {sum(found.by_day.values()), sum(found.by_hour), sum(found.by_camera.values())}
    assert totals == {found.total}


def test_growth_is_against_the_time_before() -> None:
    assert Growth(now=110, before=100).share == pytest.approx(0.1)
    assert Growth(now=0, before=100).share == -1.0
    assert Growth(now=5, before=0).share is None


def test_retention_and_adoption_are_shares_of_people() -> None:
    now = Deeds(
        people=frozenset({"vera", "otto", "ada", "ivy"}),
        by_action={"export": frozenset({"vera"}), "correction": frozenset({"vera", "otto"})},
    )
    found = people(now, {"vera", "ada", "gone"})
    assert (found.active, found.active_before) == (4, 3)
    assert found.retention == pytest.approx(2 / 3)
    assert found.adoption == {"correction": 0.5, "export": 0.25}
    nobody = people(Deeds(people=frozenset(), by_action={}), set())
    assert (nobody.active, nobody.retention, nobody.adoption) == (0, None, {})
