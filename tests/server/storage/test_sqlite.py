"""The store itself: fixed settings, record ids, idempotence and its books."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from server.errors import GroupRefused, StorageUnavailable
from server.storage.adoption import prepare_database
from server.storage.connection import storage_errors, transaction
from server.storage.protocol import Conflict, Stored
from server.storage.runs import MOST_RUNS, first_known, note_run
from server.storage.sqlite import SqliteStore
from tests.server.cameras import jpeg
from tests.server.conftest import Query, connections_to
from tests.server.rows import accepted_health, accepted_plate, hello_of
from wire.errors import ErrorCode

NOW = datetime(2026, 3, 1, 23, 59, 59, 250_000, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    path = tmp_path / "server.db"
    prepare_database(path, zone_of=lambda _: UTC, now=NOW)
    opened = SqliteStore(path, tmp_path / "pictures")
    yield opened
    await opened.close()


async def test_a_new_database_frees_its_disk_and_survives_power_cuts(
    store: SqliteStore, query: Query
) -> None:
    assert query("PRAGMA auto_vacuum") == [(2,)]
    assert query("PRAGMA journal_mode") == [("wal",)]


async def test_the_writer_waits_for_the_disk_and_only_it_checkpoints(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.commit_group([accepted_plate(1, image=jpeg())], NOW)
    files = [tmp_path / "server.db", tmp_path / "pictures" / "2026-03-01.db"]
    settings = {
        (file.name, each.pragma("wal_autocheckpoint") > 0): each.pragma("synchronous")
        for file in files
        for each in connections_to(file)
        if not each.readonly("main")
    }
    assert settings == {
        ("server.db", True): 2,
        ("server.db", False): 1,
        ("2026-03-01.db", True): 2,
    }


async def test_outcomes_come_in_the_order_of_the_rows(store: SqliteStore) -> None:
    first = await store.commit_group([accepted_health(1), accepted_plate(2)], NOW)
    assert first == [Stored(1, False, 1), Stored(1, False, 2)]
    mixed = await store.commit_group(
        [
            accepted_health(3),
            accepted_health(1),
            accepted_health(1, message="other"),
            accepted_health(3),
            accepted_plate(2),
            accepted_health(4),
        ],
        NOW,
    )
    assert mixed == [
        Stored(2, False, 3),
        Stored(1, True, 3),
        Conflict(1),
        Stored(2, True, 3),
        Stored(1, True, 3),
        Stored(3, False, 4),
    ]


async def test_an_empty_group_is_nothing(store: SqliteStore) -> None:
    assert await store.commit_group([], NOW) == []


async def test_ids_of_deleted_records_are_not_given_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.commit_group([accepted_health(1), accepted_health(2)], NOW)
    pruner = apsw.Connection(str(tmp_path / "server.db"))
    pruner.execute("DELETE FROM health_monitors")
    pruner.close()
    outcomes = await store.commit_group([accepted_health(2), accepted_health(3)], NOW)
    assert outcomes == [Stored(2, True, 2), Stored(3, False, 3)]  # a late duplicate stays out


async def test_equal_pictures_are_kept_once_and_pictures_of_a_day_together(
    store: SqliteStore, tmp_path: Path
) -> None:
    rows = [accepted_plate(number, image=jpeg(50)) for number in (1, 2)]
    await store.commit_group([*rows, accepted_plate(3, image=jpeg(200))], NOW)
    next_day = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    await store.commit_group([accepted_plate(4, image=jpeg(50))], next_day)
    assert pictures_by_day(tmp_path) == {"2026-03-01": 2, "2026-03-02": 1}


def pictures_by_day(folder: Path) -> dict[str, int]:
    counts = {}
    for file in (folder / "pictures").glob("*.db"):
        connection = apsw.Connection(str(file))
        counts[file.stem] = connection.execute("SELECT count(*) FROM pictures").get
        connection.close()
    return counts


async def test_the_view_shows_pictures_as_the_older_server_did(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.commit_group([accepted_plate(1, image=jpeg()), accepted_plate(2)], NOW)
    with_function = next(
        each for each in connections_to(tmp_path / "server.db") if not each.readonly("main")
    )
    shown = with_function.execute(
        "SELECT license_plate, image_data, received_at FROM lpr_detections_with_images ORDER BY id"
    ).fetchall()
    at = "2026-03-01T23:59:59.250+00:00"
    assert shown == [("AB1", base64.b64encode(jpeg()).decode(), at), ("AB2", None, at)]


async def test_the_books_agree_with_the_rows(store: SqliteStore, query: Query) -> None:
    await store.greet(hello_of(), NOW)
    await store.commit_group([accepted_health(n) for n in (1, 2, 3)], NOW)
    await store.commit_group([accepted_health(n) for n in (2, 3, 4)], NOW)
    await store.commit_group([accepted_health(9, device_id="gate-2", epoch="e")], NOW)
    assert query(
        "SELECT device_id, c.epoch, e.epoch, rows_stored, last_sequence FROM camera_epochs e "
        "JOIN cameras c ON c.id = e.camera ORDER BY device_id"
    ) == [("gate-1", "epoch-1", "epoch-1", 4, 4), ("gate-2", "e", "e", 1, 9)]
    held = await store.greet(hello_of(), NOW)
    assert (held.last_sequence, held.rows_stored) == (4, 4)
    held = await store.greet(hello_of(epoch="new"), NOW)
    assert (held.last_sequence, held.rows_stored) == (0, 0)
    assert query(
        "SELECT count(*), count(DISTINCT camera), sum(table_number = 2) FROM message_ledger"
    ) == [(5, 2, 5)]


async def test_the_count_of_a_row_is_that_of_its_own_device_and_epoch(store: SqliteStore) -> None:
    """Also where it is looked up for the first time, and where the group is the first after."""
    group = [accepted_health(1), accepted_health(2, device_id="gate-2"), accepted_health(3)]
    assert await store.commit_group(group, NOW) == [
        Stored(1, False, 1),
        Stored(2, False, 1),
        Stored(3, False, 2),
    ]
    again = [accepted_health(1), accepted_health(4, epoch="e")]
    assert await store.commit_group(again, NOW) == [Stored(1, True, 2), Stored(4, False, 1)]


async def test_runs_of_the_server_are_remembered_by_its_database(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    prepare_database(path, zone_of=lambda _: UTC, now=NOW)
    runs: list[str] = []
    for _ in range(3):
        store = SqliteStore(path, tmp_path / "pictures")
        held = await store.greet(hello_of(runs=["stranger", *reversed(runs)]), NOW)
        assert held.known_run == (runs[-1] if runs else None)
        again = await store.greet(hello_of(runs=[held.run]), NOW)
        assert (again.run, again.known_run) == (held.run, held.run)
        runs.append(held.run)
        await store.close()
    assert len(set(runs)) == 3


def test_names_of_runs_do_not_fill_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    prepare_database(path, zone_of=lambda _: UTC, now=NOW)
    connection = apsw.Connection(str(path))
    with transaction(connection):
        for number in range(MOST_RUNS + 5):
            note_run(connection, f"run {number}", NOW)
    assert connection.execute("SELECT count(*), min(name) FROM server_runs").get == (
        MOST_RUNS,
        "run 10",
    )
    assert first_known(connection, ["run 4", "run 5", "run 6"]) == "run 5"
    connection.close()


async def test_a_failed_group_leaves_no_trace(
    store: SqliteStore, query: Query, tmp_path: Path
) -> None:
    other = apsw.Connection(str(tmp_path / "server.db"))
    other.execute(
        "CREATE TRIGGER no BEFORE INSERT ON evictions BEGIN SELECT 1; END;"
        "CREATE TRIGGER poison BEFORE INSERT ON message_ledger WHEN NEW.record_id = 2 "
        "BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(GroupRefused):
        await store.commit_group([accepted_health(1), accepted_health(2)], NOW)
    for table in ("health_monitors", "cameras", "camera_epochs", "message_ledger"):
        assert query(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608 (names of the line above)
    other.execute("DROP TRIGGER poison")
    other.close()
    outcomes = await store.commit_group([accepted_health(1), accepted_health(2)], NOW)
    assert outcomes == [Stored(1, False, 1), Stored(2, False, 2)]
    assert query("SELECT rows_stored FROM camera_epochs") == [(2,)]


def test_a_lock_of_another_program_is_worth_another_try(tmp_path: Path) -> None:
    holder = apsw.Connection(str(tmp_path / "x.db"))
    holder.execute("CREATE TABLE t (x); BEGIN IMMEDIATE")
    other = apsw.Connection(str(tmp_path / "x.db"))
    with pytest.raises(StorageUnavailable) as failed, storage_errors():
        other.execute("BEGIN IMMEDIATE")
    assert failed.value.code is ErrorCode.BUSY
    other.close()
    holder.close()


async def test_closing_twice_is_closing_once(store: SqliteStore) -> None:
    await store.close()
    await store.close()
