"""A look at the database from outside tells what is there and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from agent.outbox.inspection import inspect, soundness_fault, write_fault
from agent.outbox.store import Outbox
from tests.agent.outbox.older_camera import make_older_database
from tests.agent.outbox.sightings import plate

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lpr_data.db"


def _files(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_database_that_is_not_there_has_not_begun_and_is_not_made(path: Path) -> None:
    assert not inspect(path, path.parent, NOW).has_begun
    assert _files(path.parent) == set()


def test_it_tells_books_and_the_oldest_row_also_while_an_agent_writes(path: Path) -> None:
    with Outbox.open(path, path.parent / "images", "gate") as outbox:
        outbox.record_plate(replace(plate(), captured_at=NOW - timedelta(hours=30)))
        outbox.record_plate(replace(plate(), captured_at=NOW - timedelta(hours=1)))
        outbox.record_eviction(
            kind="picture", reason="quota", evicted_table="detection_results", count=4
        )
        seen = inspect(path, path.parent / "images", NOW)
    assert seen.fault is None
    assert (seen.captured_rows, seen.acknowledged_rows, seen.waiting_rows) == (3, 0, 3)
    assert seen.identity is not None
    assert seen.identity.last_sequence == 3
    assert seen.oldest_at == NOW - timedelta(hours=30)
    assert (seen.newest_eviction, seen.eviction_reason) == ("4 pictures (quota)", "quota")
    assert seen.log_bytes > 0
    assert seen.growth_bytes_a_day is not None
    assert seen.growth_bytes_a_day > 100


def test_it_names_the_numbers_of_refused_rows(path: Path) -> None:
    with Outbox.open(path, path.parent / "images", "gate") as outbox:
        for _ in range(4):
            outbox.record_plate(plate())
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE detection_results SET sent_to_server = 2 WHERE sequence IN (1, 3)")
    connection.close()
    seen = inspect(path, path.parent / "images", NOW)
    assert (seen.refused_rows, seen.refused_sequences) == (2, (1, 3))


def test_growth_is_unknown_on_the_first_day(path: Path) -> None:
    with Outbox.open(path, path.parent / "images", "gate") as outbox:
        outbox.record_plate(replace(plate(), captured_at=NOW - timedelta(minutes=5)))
        assert inspect(path, path.parent / "images", NOW).growth_bytes_a_day is None


def test_a_database_at_rest_is_left_as_it_was(path: Path) -> None:
    Outbox.open(path, path.parent / "images", "gate").close()
    before = _files(path.parent)
    content = path.read_bytes()
    assert inspect(path, path.parent, NOW).fault is None
    assert soundness_fault(path, 10) == (None, True)
    assert _files(path.parent) == before
    assert path.read_bytes() == content


def test_an_older_system_s_database_is_known_as_one(path: Path) -> None:
    make_older_database(path, path.parent / "images")
    seen = inspect(path, path.parent, NOW)
    assert seen.is_older
    assert seen.fault is None


@pytest.mark.parametrize("damage", [b"this is no database at all" * 500, b""])
def test_what_is_no_database_is_a_fault_that_says_what_to_do(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    seen = inspect(path, path.parent, NOW)
    if damage:
        assert seen.fault is not None
        assert "aside" in seen.fault
    else:
        assert seen.is_older  # an empty file is a database without tables


def test_damage_in_the_middle_is_found(path: Path) -> None:
    with Outbox.open(path, path.parent / "images", "gate") as outbox:
        for number in range(50):
            outbox.record_health(component="camera", status="PASS", message=f"{number} " * 200)
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half : half + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    fault, is_through = soundness_fault(path, 10)
    assert is_through
    assert fault is not None
    assert "corrupt" in fault


def test_a_lock_of_another_program_is_named(path: Path) -> None:
    Outbox.open(path, path.parent / "images", "gate").close()
    assert write_fault(path) is None
    locker = apsw.Connection(str(path))
    locker.execute("BEGIN IMMEDIATE")
    try:
        fault = write_fault(path)
    finally:
        locker.execute("ROLLBACK")
        locker.close()
    assert fault is not None
    assert "another program holds the database" in fault
