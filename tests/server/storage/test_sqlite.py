"""What is SQLite's own in the store: fixed settings, the view, names of runs, locks."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from server.errors import StorageUnavailable
from server.storage.adoption import prepare_database
from server.storage.connection import storage_errors, transaction
from server.storage.protocol import Stored
from server.storage.runs import MOST_RUNS, first_known, note_run
from server.storage.sqlite import SqliteStore
from tests.server.cameras import jpeg
from tests.server.conftest import Query, connections_to
from tests.server.rows import accepted_health, accepted_plate
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


async def test_what_sqlite_keeps_in_memory_is_bounded_and_given_back(
    store: SqliteStore, tmp_path: Path
) -> None:
    files = [tmp_path / "server.db", tmp_path / "pictures" / "2026-03-01.db"]

    def kept_bytes() -> list[int]:
        return [
            each.status(apsw.SQLITE_DBSTATUS_CACHE_USED)[0]
            for file in files
            for each in connections_to(file)
        ]

    await store.commit_group([accepted_plate(1, image=jpeg())], NOW)
    for first in range(2, 4002, 1000):
        rows = [accepted_health(first + n, message="x" * 900) for n in range(1000)]
        await store.commit_group(rows, NOW)
    assert 1_500_000 < max(kept_bytes()) < 2_500_000  # of more than 4 MB
    await store.release_memory()
    assert max(kept_bytes()) < 100_000
    [after] = await store.commit_group([accepted_health(5000)], NOW)
    assert isinstance(after, Stored)


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
