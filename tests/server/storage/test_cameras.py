"""Cameras as the board and their own pages show them, on a real database."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from server.errors import NotThere, QuestionInvalid
from server.storage.accounting import MOST_GAPS
from server.storage.camera_books import MOST_EVICTIONS
from server.storage.health_history import MOST_STRETCHES
from server.storage.reading.cameras import SILENT_AFTER, CameraState, GapCause, StateRule
from tests.server.rows import hello_of
from tests.server.storage.history import NOON, Site, eviction, health, plate

HOUR = timedelta(hours=1)
FACTS: dict[str, Any] = {
    "agent_version": "0.2.0",
    "temperature_c": "61.2",
    "cpu_usage": "45%",
    "throttled": "0x50005",
    "clock_offset_s": "-1.500",
    "rows_captured": "9",
    "rows_acknowledged": "6",
    "rows_waiting": "2",
    "rows_refused": "1",
    "rows_evicted": "0",
    "last_sequence": "9",
    "refused_sequences": "4",
    "oldest_waiting_at": "2026-03-01T12:00:05+00:00",
}


@pytest.fixture
def centre(either: Site) -> Site:
    return either


@pytest.mark.parametrize(
    ("silent", "is_connected", "expected"),
    [
        (timedelta(minutes=1), False, CameraState.ONLINE),
        (timedelta(minutes=11), False, CameraState.LATE),
        (timedelta(minutes=14), False, CameraState.LATE),
        (SILENT_AFTER, False, CameraState.SILENT),
        (timedelta(hours=9), True, CameraState.ONLINE),
        (timedelta(minutes=-5), False, CameraState.ONLINE),
    ],
)
def test_states_follow_the_rule(
    silent: timedelta, *, is_connected: bool, expected: CameraState
) -> None:
    state = StateRule().state(last_seen=NOON - silent, is_connected=is_connected, now=NOON)
    assert state is expected


async def test_the_board_tells_of_each_camera_what_it_said_last(centre: Site) -> None:
    await centre.store.greet(hello_of(), NOON)
    await centre.take(
        plate(1, "A"),
        health(2, "agent", at=NOON, facts={"temperature_c": "20"}),
        health(3, "agent", at=NOON + HOUR, facts=FACTS),
        health(5, "disk", at=NOON, status="FAIL", message="full"),
        health(6, "disk", at=NOON + HOUR, status="WARN", message="nearly full"),
        health(7, "camera", at=NOON + HOUR, status="FAIL", message="no frame"),
        health(8, "settings", at=NOON + 2 * HOUR, facts={"AGENT_SOURCE": "synthetic:"}),
        plate(1, "B", device_id="gate-2"),
    )
    first, second = await centre.cameras.board(now=NOON + 9 * HOUR, connected={"gate-1"})
    assert (first.state, second.state) == (CameraState.ONLINE, CameraState.SILENT)
    assert (first.waiting, first.temperature_c, first.clock_offset_s) == (2, 61.2, -1.5)
    assert first.throttled == ("too little voltage", "slowed down")
    assert [(fault.component, fault.status) for fault in first.faults] == [
        ("camera", "FAIL"),
        ("disk", "WARN"),
    ]
    assert first.latest_sighting_at == NOON + timedelta(seconds=1)
    assert (second.waiting, second.faults) == (None, ())
    detail = await centre.cameras.camera("gate-1", now=NOON, connected=())
    assert detail.settings == {"AGENT_SOURCE": "synthetic:"}
    assert detail.report is not None
    assert (detail.report.captured, detail.report.refused_sequences) == (9, ((4, 4),))
    assert [each.component for each in detail.health] == ["agent", "camera", "disk"]


@pytest.mark.parametrize(
    "said",
    [
        *(None, {}, {"throttled": "x", "rows_waiting": "-1"}, "text"),
        {"temperature_c": 10**400, "rows_waiting": -(10**400), "clock_offset_s": 1e300},
        {"clock_offset_s": "9" * 15, "oldest_waiting_at": "0001-01-01T00:00:00+00:00"},
    ],
)
async def test_whatever_a_camera_says_it_has_its_place_on_the_board(
    centre: Site, said: Any
) -> None:
    await centre.take(health(1, "<b>", at=NOON, status="?", facts=said))
    (card,) = await centre.cameras.board(now=NOON, connected=())
    assert (card.waiting, card.throttled, card.temperature_c) == (None, (), None)
    assert (card.clock_offset_s, card.oldest_waiting_at) == (None, None)


async def test_health_over_time_is_changes_of_state_and_thinned_measures(centre: Site) -> None:
    minute = timedelta(minutes=1)
    states = ["PASS"] * 5 + ["FAIL"] * 3 + ["PASS"] * 2
    await centre.take(
        *(
            health(n, "cpu", at=NOON + n * minute, status=state, facts={"cpu_usage": f"{10 * n}%"})
            for n, state in enumerate(states, start=1)
        ),
        health(20, "disk", at=NOON, facts={"disk_free_mb": "not known"}),
        health(21, "clock", at=NOON, facts={"clock_offset_s": "9" * 400}),
    )
    history = await centre.cameras.health("gate-1", since=NOON, until=NOON + 20 * minute, points=10)
    cpu = [stretch for stretch in history.stretches if stretch.component == "cpu"]
    assert [stretch.status for stretch in cpu] == ["PASS", "FAIL", "PASS"]
    assert (cpu[1].since, cpu[1].until) == (NOON + 6 * minute, NOON + 9 * minute)
    assert cpu[2].until is None
    (series,) = history.series
    assert (series.key, series.unit, series.limits) == ("cpu_usage", "%", (0.0, 100.0))
    assert [(point.at, point.lowest, point.average, point.highest) for point in series.points][
        :2
    ] == [(NOON, 10.0, 10.0, 10.0), (NOON + 2 * minute, 20.0, 25.0, 30.0)]


async def test_of_very_many_changes_the_newest_are_told_and_the_last_state_is_the_present(
    centre: Site,
) -> None:
    second = timedelta(seconds=1)
    await centre.take(
        *(
            health(n, "link", at=NOON + n * second, status="FAIL" if n % 2 else "PASS")
            for n in range(1, MOST_STRETCHES + 12)
        )
    )
    history = await centre.cameras.health("gate-1", since=NOON, until=NOON + HOUR)
    last = history.stretches[-1]
    assert len(history.stretches) == MOST_STRETCHES
    assert (last.since, last.status) == (NOON + (MOST_STRETCHES + 11) * second, "FAIL")
    assert last.until is None


async def test_the_books_name_what_is_missing_and_why(centre: Site) -> None:
    await centre.store.greet(hello_of(), NOON)
    await centre.take(
        plate(1, "A"),
        plate(3, "B"),
        plate(5, "C"),
        plate(9, "D"),
        eviction(10, 6, 8, at=NOON + timedelta(seconds=10)),
        health(11, "agent", at=NOON + timedelta(seconds=11), facts=FACTS | {"rows_waiting": "0"}),
    )
    books = await centre.cameras.books("gate-1", until=NOON.date())
    assert [(gap.first, gap.last, gap.cause) for gap in books.gaps] == [
        (6, 8, GapCause.EVICTED),
        (4, 4, GapCause.REFUSED),
        (2, 2, GapCause.UNEXPLAINED),
    ]
    (day,) = books.days
    assert (day.captured, day.acknowledged, day.evicted, day.refused) == (11, 6, 3, 1)
    (epoch,) = books.epochs
    assert (epoch.last_sequence, epoch.rows_stored, epoch.missing) == (11, 6, 5)
    assert books.evictions[0].message == "not even rows fitted"
    assert books.kept_since is None
    assert (await centre.cameras.books("gate-1", until=date(2026, 2, 1))).days == ()


async def test_a_hole_is_seen_however_long_it_lasted(centre: Site) -> None:
    day = timedelta(days=1)
    await centre.take(
        plate(1, "AB1", at=NOON - 20 * day),
        eviction(20, 2, 11, at=NOON - 15 * day),
        health(21, "agent", at=NOON, facts={**FACTS, "rows_waiting": "0", "last_sequence": "21"}),
    )
    books = await centre.cameras.books("gate-1", until=NOON.date(), days=1)
    assert [(gap.first, gap.last, gap.cause) for gap in books.gaps] == []
    await centre.take(plate(30, "AB2", at=NOON + timedelta(minutes=1)))
    books = await centre.cameras.books("gate-1", until=NOON.date(), days=1)
    (today,) = books.days
    assert (today.acknowledged, today.unexplained) == (2, 8)
    books = await centre.cameras.books("gate-1", until=NOON.date() - 15 * day, days=1)
    assert [(gap.first, gap.last, gap.cause) for gap in books.gaps] == [
        (2, 11, GapCause.EVICTED),
        (12, 19, GapCause.UNEXPLAINED),
    ]
    assert books.gaps[0].after == NOON - 20 * day


async def test_however_many_evictions_there_were_each_explains_what_it_took(
    centre: Site,
) -> None:
    minute, count = timedelta(minutes=1), MOST_EVICTIONS + 20
    await centre.take(
        plate(1, "AB1", at=NOON),
        *(eviction(1000 + n, n, n, at=NOON + n * minute) for n in range(2, count + 2)),
        plate(count + 2, "AB2", at=NOON + timedelta(hours=9)),
    )
    books = await centre.cameras.books("gate-1", until=NOON.date(), days=1)
    assert sum(gap.count for gap in books.gaps if gap.cause is GapCause.EVICTED) == MOST_GAPS
    (day,) = books.days
    assert day.evicted == count
    assert len(books.evictions) == MOST_EVICTIONS


async def test_what_was_given_up_here_as_old_is_no_gap(centre: Site) -> None:
    day, hour = timedelta(days=1), timedelta(hours=1)
    midnight = NOON.replace(hour=0)
    await centre.take(
        plate(1, "A", at=NOON - day), plate(2, "B", at=midnight - hour), at=NOON - day
    )
    await centre.take(
        plate(3, "LATE", at=midnight - hour / 2),
        plate(5, "C", at=midnight + hour),
        plate(7, "D", at=NOON),
        at=NOON,
    )
    await centre.give_up(older_than_days=1, now=NOON + day)
    books = await centre.cameras.books("gate-1", until=NOON.date())
    assert books.kept_since == NOON.date()
    assert [(each.day, each.captured, each.unexplained) for each in books.days] == [
        (NOON.date(), 3, 1)
    ]
    assert [(gap.first, gap.last) for gap in books.gaps] == [(6, 6)]
    assert books.epochs[0].rows_stored == 5


async def test_names_come_in_order_and_no_more_than_are_asked_for(centre: Site) -> None:
    await centre.take(*(plate(n, "AB1", device_id=f"gate-{n}") for n in (3, 1, 2)))
    assert await centre.cameras.names(most=2) == ("gate-1", "gate-2")
    assert await centre.cameras.known(["gate-1", "never"]) == {"gate-1"}
    assert await centre.cameras.known([]) == frozenset()


async def test_a_camera_that_was_never_heard_of_is_not_there(centre: Site) -> None:
    with pytest.raises(NotThere, match="no camera 'gate-9'"):
        await centre.cameras.camera("gate-9", now=NOON, connected=())
    with pytest.raises(NotThere):
        await centre.cameras.books("gate-9", until=NOON.date())
    with pytest.raises(NotThere):
        await centre.cameras.health("gate-9", since=NOON - HOUR, until=NOON)


async def test_too_much_at_once_is_refused(centre: Site) -> None:
    with pytest.raises(QuestionInvalid, match="at most 31 days"):
        await centre.cameras.health("gate-1", since=NOON - 900 * HOUR, until=NOON)
    with pytest.raises(QuestionInvalid, match="points=9"):
        await centre.cameras.health("gate-1", since=NOON - HOUR, until=NOON, points=9)
    with pytest.raises(QuestionInvalid, match="days=32"):
        await centre.cameras.books("gate-1", until=NOON.date(), days=32)
