"""No question of a page reads the whole table: SQLite's own plans say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from benchmarks.history import Plan
from benchmarks.load_history import UNTIL, ask_all, load
from db.migrations import SERVER_SQLITE, migrate
from server.storage.reading.sightings import Matching, SightingFilter
from server.storage.search import plan_of
from tests.server.storage.history import NOON


@pytest.fixture(scope="module")
def database() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    migrate(connection, SERVER_SQLITE)
    yield connection
    connection.close()


def steps(connection: apsw.Connection, sql: str, values: dict[str, Any]) -> list[str]:
    return [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def columns_read_from_rows(connection: apsw.Connection, sql: str, values: dict[str, Any]) -> int:
    """How many columns the program (sqlite.org/opcode.html) takes from the table, not an index.

    EXPLAIN QUERY PLAN calls no index on a computed column covering, though nothing else is read.
    """
    root = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'lpr_detections'"
    ).get
    program = list(connection.execute(f"EXPLAIN {sql}", values))
    cursors = {p1 for _, name, p1, p2, *_ in program if name == "OpenRead" and p2 == root}
    return sum(1 for _, name, p1, *_ in program if name == "Column" and p1 in cursors)


CHOSEN = {
    "nothing": ({}, "lpr_detections_captured_at (captured_at>? AND captured_at<?)"),
    "a time": ({"since": NOON - timedelta(days=1)}, "lpr_detections_captured_at"),
    "a plate": ({"plate": "ABC1234"}, "lpr_detections_plate (plate_key=? AND captured_at>?"),
    "a plate's beginning": ({"plate": "ABC*"}, "lpr_detections_plate (plate_key>? AND plate_key<?"),
    "a plate's end": ({"plate": "*34"}, "lpr_detections_captured_at (captured_at>?"),
    "a camera": (
        {"device_ids": ("gate-1",)},
        "lpr_detections_device (device_id=? AND captured_at>?",
    ),
    "a camera and a plate's end": (
        {"device_ids": ("gate-1",), "plate": "*34"},
        "lpr_detections_device (device_id=? AND captured_at>?",
    ),
    "cameras": (
        {"device_ids": ("gate-1", "gate-2")},
        "lpr_detections_device (device_id=? AND captured_at>?",
    ),
    "a plate as it is written": (
        {"plate": "ABC1234", "matching": Matching.EXACT},
        "lpr_detections_plate (plate_key=?",
    ),
    "what was corrected": ({"is_corrected": True}, "lpr_detections_corrected (captured_at>?"),
    "all at once": (
        {
            "device_ids": ("gate-1",),
            "regions": ("th",),
            "directions": ("left",),
            "least_percent": 50.0,
            "most_percent": 90.0,
            "has_picture": True,
            "is_corrected": False,
            "since": NOON,
        },
        "lpr_detections_device (device_id=?",
    ),
}
COVERED = ("nothing", "a time", "a plate", "a plate's beginning", "a plate's end", "cameras")


@pytest.mark.parametrize("name", CHOSEN)
def test_sightings_are_looked_up(database: apsw.Connection, name: str) -> None:
    chosen, index = CHOSEN[name]
    plan = plan_of(SightingFilter(**chosen))
    values = plan.values | {"lower": "", "at": "~", "id": 9, "as_of": 9, "limit": 9}
    ordered = "ORDER BY captured_at DESC, id DESC LIMIT :limit"
    said = steps(database, f"{plan.at_or_after('captured_at, id')} {ordered}", values)
    assert any(index in step for step in said), said
    assert not any("SCAN lpr_detections" in step for step in said), said
    if name in COVERED:
        sql = f"{plan.at_or_after('captured_at, id')} {ordered}"
        assert columns_read_from_rows(database, sql, values) == 0
    said = steps(database, f"{plan.without_time('id')} ORDER BY id DESC LIMIT :limit", values)
    assert not any("SCAN lpr_detections" in step for step in said), said


@pytest.mark.parametrize("name", ["nothing", "a plate", "a camera"])
def test_they_come_in_order_without_sorting_all(database: apsw.Connection, name: str) -> None:
    plan = plan_of(SightingFilter(**CHOSEN[name][0]))
    values = plan.values | {"lower": "", "at": "~", "id": 9, "as_of": 9, "limit": 9}
    ordered = "ORDER BY captured_at DESC, id DESC LIMIT :limit"
    said = steps(database, f"{plan.at_or_after('captured_at, id')} {ordered}", values)
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in said), said


LARGE = ("lpr_detections", "health_monitors", "face_detections", "message_ledger", "server_stats")


async def test_no_question_of_any_page_reads_a_whole_table(tmp_path: Path) -> None:
    plan = Plan(
        sightings=200, cameras=40, days=1, until=UNTIL, pictures=0.05, regulars=9, health_days=0
    )
    await load(tmp_path, plan, lambda: None)
    asked: dict[str, Any] = {}

    def note(_cursor: apsw.Cursor, sql: str, values: Any) -> bool:
        asked[sql] = values
        return True

    def watch(opened: apsw.Connection) -> None:
        opened.exec_trace = note

    apsw.connection_hooks.append(watch)
    try:
        await ask_all(tmp_path, 2)
    finally:
        apsw.connection_hooks.remove(watch)
    connection = apsw.Connection(str(tmp_path / "websocket_server.db"))
    questions = {
        sql: values
        for sql, values in asked.items()
        if sql.startswith(("SELECT", "WITH")) and "FROM pictures " not in sql
    }
    assert len(questions) > 25
    for sql, values in questions.items():
        said = steps(connection, sql, values)
        scans = [step for step in said for name in (*LARGE, "h") if step.startswith(f"SCAN {name}")]
        assert not scans, f"{sql}: {said}"
    connection.close()
