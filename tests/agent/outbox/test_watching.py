"""Plates that the camera watches for: kept for good, marked when they pass, first to go."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from agent.outbox.store import Outbox
from agent.outbox.waiting import select_of
from agent.outbox.watching import WatchedPlates
from agent.uplink.intake import Intake
from agent.uplink.message import V1Encoder
from tests.agent.outbox.ends import opened
from tests.agent.outbox.sightings import NOON, face, plate
from wire.rows import LprRow, Table
from wire.v1 import WatchedPlate
from wire.watchlist import whole_of


def watch(outbox: Outbox, *plates: WatchedPlate) -> None:
    """As the sender does when the server says so."""
    store = outbox.sending()
    store.keep_watchlist(whole_of(plates))
    store.close()


def marked(outbox: Outbox) -> list[str]:
    reader = apsw.Connection(str(outbox.path))
    sql = "SELECT license_plate_text, watched, evidence FROM detection_results ORDER BY id"
    rows = reader.execute(sql).fetchall()
    reader.close()
    assert [bool(watched) for _, watched, _ in rows] == [
        json.loads(str(evidence)).get("watched", False) for *_, evidence in rows
    ]
    return [str(text) for text, watched, _ in rows if watched]


@pytest.mark.parametrize(
    ("listed", "reading", "is_covered"),
    [
        (WatchedPlate(plate="AB1234"), "ab-l234", True),
        (WatchedPlate(plate="AB1234", matching="exact"), "ab-1234", True),
        (WatchedPlate(plate="AB1234", matching="exact"), "AB-I234", False),
        (WatchedPlate(plate="A?12*"), "A8I2", True),
        (WatchedPlate(plate="*34", matching="exact"), "1กก 1234", True),
        (WatchedPlate(plate="AB1234"), "AB123", False),
        (WatchedPlate(plate="*1", valid_from=NOON), "AB1", True),
        (WatchedPlate(plate="*1", valid_from=NOON + timedelta(seconds=1)), "AB1", False),
        (WatchedPlate(plate="*1", valid_until=NOON), "AB1", False),
        (WatchedPlate(plate="??"), " - ", False),
    ],
)
def test_plates_are_compared_as_the_centre_does(
    listed: WatchedPlate, reading: str, is_covered: bool
) -> None:
    assert WatchedPlates([listed]).cover(reading, NOON) is is_covered


def test_what_is_kept_marks_sightings_from_then_on_and_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.record(plate("AB1234", seed=1))
        watch(outbox, WatchedPlate(plate="AB1234"))
        outbox.record(plate("AB1234", seed=2))
        outbox.record(face())
    with opened(tmp_path) as outbox:
        outbox.record(plate("A8 I234", seed=3))
        watch(outbox, WatchedPlate(plate="XY1"))
        outbox.record(plate("AB1234", seed=4))
        outbox.record(plate("XY1", seed=5))
        assert marked(outbox) == ["AB1234", "A8 I234", "XY1"]
        store = outbox.sending()
        assert store.identity().watchlist == whole_of([WatchedPlate(plate="XY1")]).version
        store.close()


def test_a_watchlist_that_cannot_be_read_costs_no_sighting(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        with outbox.writing() as connection:
            connection.execute("UPDATE watchlist SET version = 'a', plates = 'none'")
        outbox.record(plate("AB1234"))
        assert outbox.counts().waiting == 1
        assert marked(outbox) == []


def test_watched_plates_go_first_and_every_row_once(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        watch(outbox, WatchedPlate(plate="W*"))
        for number in range(60):
            outbox.record(plate(f"W{number}" if number in (30, 59) else f"P{number}", seed=number))
        store = outbox.sending()
        intake = Intake(store, V1Encoder(), put_off={}, check_interval_s=0.0, now_s=0.0)

        def taken(rows: int, *, fresh_only: bool = False) -> list[str]:
            batch = intake.take(
                rows=rows,
                size_bytes=100_000_000,
                max_row_bytes=1_000_000,
                woken=True,
                now_s=0.0,
                fresh_only=fresh_only,
            )
            return [plate_of(outbox, row.key.row_id) for row in batch.rows]

        assert taken(3) == ["W30", "W59", "P0"]
        outbox.record(plate("P60", seed=60))
        outbox.record(plate("W61", seed=61))
        assert taken(2, fresh_only=True) == ["W61", "P60"]
        rest = taken(1_000)
        assert rest == [f"P{number}" for number in range(1, 59) if number != 30]
        store.close()


def plate_of(outbox: Outbox, row_id: int) -> str:
    store = outbox.sending()
    (found,) = store.waiting(Table.LPR_DETECTION, after_id=row_id - 1, up_to_id=row_id, limit=1)
    store.close()
    assert isinstance(found.row, LprRow)
    return found.row.data.license_plate


@pytest.mark.parametrize("watched", [True, False, None])
def test_what_waits_is_found_by_an_index_of_what_waits(
    tmp_path: Path, watched: bool | None
) -> None:
    with opened(tmp_path) as outbox:
        reader = apsw.Connection(str(outbox.path))
        select = select_of(Table.LPR_DETECTION, watched=watched)
        plan = [row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {select}", (0, 9, 9))]
        reader.close()
    name = "watched" if watched else "waiting"
    assert f"SEARCH d USING INDEX detection_results_{name} (id>? AND id<?)" in plan
    assert not any("TEMP B-TREE" in str(step) for step in plan)
