"""What is made once for all who look: text stays text, and what did not change is not sent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from server.storage.reading.cameras import CameraCard, CameraState
from server.storage.reading.sightings import MinuteCount, SightingCard
from server.web.pages.drawing import part, written
from server.web.pages.live import Snapshot
from server.web.pages.overview_drawing import MOST_CAMERAS, Looks

NOW = datetime(2026, 8, 6, 10, 30, tzinfo=UTC)
MARKUP = '<img src=x onerror="alert(1)">'


def camera(name: str) -> CameraCard:
    return CameraCard(
        device_id=name,
        hostname="",
        checkpoint_id="",
        state=CameraState.ONLINE,
        is_connected=True,
        first_seen=NOW,
        last_seen=NOW,
        version=None,
        waiting=None,
        oldest_waiting_at=None,
        clock_offset_s=None,
        clock_state=None,
        temperature_c=None,
        throttled=(),
        faults=(),
        latest_sighting_at=None,
    )


def sighting(number: int, plate: str) -> SightingCard:
    return SightingCard(
        id=number,
        plate=plate,
        read_plate=plate,
        is_corrected=False,
        device_id="gate-1",
        checkpoint_id="",
        hostname="",
        captured_at=NOW,
        timestamp="",
        received_at=NOW,
        confidence_percent=90.0,
        region=None,
        direction=None,
        image_status="missing",
        has_picture=False,
    )


def test_a_text_of_a_row_is_a_text_wherever_it_stands() -> None:
    drawn = json.loads(written(part("a", "name", MARKUP, href="/x", title=MARKUP, rel=None)))
    assert drawn == [["a", {"href": "/x", "title": MARKUP, "class": "name"}, [MARKUP]]]


def test_a_moment_is_drawn_once_for_all_who_look() -> None:
    looks = Looks(UTC)
    snapshot = Snapshot(at=NOW, cameras=(camera("gate-1"),))
    assert looks.of(snapshot) is looks.of(snapshot)


def test_only_what_is_different_is_another_text() -> None:
    looks = Looks(UTC)
    first = Snapshot(at=NOW, cameras=(camera("gate-1"),), latest=(sighting(1, MARKUP),))
    before = looks.of(first)
    later = replace(first, at=NOW + timedelta(seconds=2))
    after = looks.of(later)
    assert after.state != before.state
    assert (after.tiles, after.cameras, after.latest) == (
        *(before.tiles, before.cameras, before.latest),
    )
    passed = looks.of(replace(later, latest=(sighting(2, "AB1"), sighting(1, MARKUP))))
    assert passed.cameras == before.cameras
    assert [card[1]["key"] for card in json.loads(passed.latest)] == [2, 1]


def test_a_fleet_shows_those_that_need_somebody_and_how_many_more_there_are() -> None:
    silent = replace(camera("zz"), state=CameraState.SILENT)
    fleet = (*(camera(f"gate-{n:03}") for n in range(MOST_CAMERAS + 4)), silent)
    board, more = json.loads(Looks(UTC).of(Snapshot(at=NOW, cameras=fleet)).cameras)
    rows = board[2][0][2][1][2]
    assert rows[0][1]["data-camera"] == "zz"
    assert len(rows) == MOST_CAMERAS
    assert more[2] == ["and 5 cameras in order"]


def test_the_minutes_of_an_hour_have_marks_as_far_from_each_other_as_from_the_next() -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    minutes = tuple(
        MinuteCount(at=NOW + timedelta(minutes=each - 62), count=each) for each in range(60)
    )
    times = Looks(zone).of(Snapshot(at=NOW, cameras=(), minutes=minutes)).times
    marks = [
        datetime.fromtimestamp(mark / 1000, UTC) for mark in times["axisLabel"]["customValues"]
    ]
    assert [f"{each:%H:%M}" for each in marks] == [
        *("15:20", "15:30", "15:40", "15:50", "16:00", "16:10")
    ]
