"""Old rows and pictures go beside a running server; the disk is freed; duplicates stay out."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import apsw
import pytest

from server.app import running
from server.config import ServerSettings
from server.storage.adoption import prepare_database
from server.storage.connection import open_writer
from server.storage.pruning import (
    LEAST_AT_ONCE,
    MOST_AT_ONCE,
    Ages,
    Freed,
    ages_of,
    measure,
    next_size,
    prune,
)
from server.storage.sqlite import SqliteStore
from tests.server.cameras import base64_of, health_row, jpeg, plate_row, v1_camera
from tests.server.conftest import Query
from tests.server.rows import accepted_health, accepted_plate
from tests.server.storage.test_adoption import OLDER_SCHEMA

OLD = datetime(2026, 1, 5, 23, 59, 59, 999000, tzinfo=UTC)
NEW = datetime(2026, 1, 6, 0, 0, 0, 0, tzinfo=UTC)
AGES = Ages(rows_before=date(2026, 1, 6), ids_before=date(2025, 1, 1))


async def filled(settings: ServerSettings, *, rows: int = 40) -> None:
    """`rows` health rows and two pictures on the old day, one of each on the new one."""
    prepare_database(settings.db_path, zone_of=settings.zone_of, now=OLD)
    store = SqliteStore(settings.db_path, settings.pictures_path)
    old = [accepted_health(number, message="x" * 4000) for number in range(1, rows + 1)]
    pictured = [accepted_plate(8001, image=jpeg(1)), accepted_plate(8002, image=jpeg(2))]
    await store.commit_group([*old, *pictured], OLD)
    await store.commit_group([accepted_health(9001), accepted_plate(9002, image=jpeg(1))], NEW)
    await store.close()


def pruned(settings: ServerSettings, ages: Ages = AGES) -> tuple[Freed, int]:
    steps: list[int] = []
    freed = prune(
        settings.db_path,
        settings.pictures_path,
        ages,
        report=steps.append,
        sleep=lambda _seconds: None,
    )
    return freed, sum(steps)


async def test_old_days_go_with_their_pictures_and_the_files_shrink(
    settings: ServerSettings, query: Query
) -> None:
    await filled(settings)
    size = settings.db_path.stat().st_size
    before = measure(settings.db_path, settings.pictures_path, AGES)
    assert before.rows["health_monitors"] == 40
    assert before.rows["lpr_detections"] == 2
    assert before.row_bytes > 40 * 4000
    assert before.picture_files == 1
    assert before.picture_bytes > len(jpeg(1)) + len(jpeg(2))
    freed, steps = pruned(settings)
    assert freed.gone.rows == before.rows
    assert freed.gone.picture_bytes == before.picture_bytes
    assert freed.is_shrunk
    assert freed.database_bytes > 40 * 4000
    assert settings.db_path.stat().st_size == size - freed.database_bytes
    assert steps == before.steps == 43
    assert [path.name for path in settings.pictures_path.iterdir()] == ["2026-01-06.db"]
    assert query("SELECT sequence FROM health_monitors") == [(9001,)]
    assert query("SELECT sequence FROM lpr_detections") == [(9002,)]
    assert query("SELECT count(*) FROM message_ledger") == [(44,)]
    assert query("PRAGMA integrity_check") == [("ok",)]
    assert pruned(settings)[0].gone.rows == dict.fromkeys(before.rows, 0)


async def test_ids_go_by_their_own_longer_retention(settings: ServerSettings, query: Query) -> None:
    await filled(settings)
    ages = ages_of(
        datetime(2026, 1, 7, 12, tzinfo=UTC),
        rows_older_than=timedelta(days=1),
        ids_older_than=timedelta(days=1),
    )
    assert ages == Ages(rows_before=date(2026, 1, 6), ids_before=date(2026, 1, 6))
    assert pruned(settings, ages)[0].gone.ids == 42
    assert query("SELECT count(*) FROM message_ledger") == [(2,)]


async def test_beside_a_running_server_nothing_fails_and_late_duplicates_stay_out(
    settings: ServerSettings, query: Query
) -> None:
    await filled(settings, rows=3000)
    async with (
        running(settings) as server,
        v1_camera(server.ingest_port) as camera,
    ):
        at_work = asyncio.create_task(asyncio.to_thread(pruned, settings))
        sequence = 5000
        while not at_work.done() or sequence < 5040:
            sequence += 1
            (result,) = await camera.ask(plate_row(sequence, image=base64_of(jpeg(sequence % 250))))
            assert result["success"], result
        freed, _ = await at_work
        assert not freed.is_shrunk
        (late,) = await camera.ask(health_row(7, message="x" * 4000))
        assert (late["success"], late.get("duplicate")) == (True, True), late
        size = settings.db_path.stat().st_size
    assert freed.gone.rows["health_monitors"] == 3000
    assert settings.db_path.stat().st_size < size - 5_000_000  # the server's last checkpoint
    assert query("SELECT count(*) FROM health_monitors") == [(1,)]
    assert query("SELECT count(*) FROM lpr_detections") == [(sequence - 5000 + 1,)]
    assert query("PRAGMA integrity_check") == [("ok",)]


def test_a_database_without_incremental_vacuum_is_pruned_all_the_same(
    settings: ServerSettings, query: Query
) -> None:
    plain = apsw.Connection(str(settings.db_path))
    plain.execute(OLDER_SCHEMA)
    plain.close()
    prepare_database(settings.db_path, zone_of=settings.zone_of, now=OLD)
    writer = open_writer(settings.db_path)
    writer.execute("PRAGMA auto_vacuum = 0")
    writer.execute("PRAGMA journal_mode = DELETE")
    writer.execute("VACUUM")
    writer.executemany(
        "INSERT INTO health_monitors (message, received_at) VALUES (?, ?)",
        [("x" * 9000, "2024-08-06T10:30:01")] * 10 + [("kept", None)],
    )
    writer.close()
    freed, _ = pruned(settings)
    assert freed.gone.rows["health_monitors"] == 10
    assert freed.database_bytes == 0
    assert query("SELECT message FROM health_monitors") == [("kept",)]


@pytest.mark.parametrize("name", ["2026-13-01.db", "notes.txt", "2025-01-01.db.bak"])
async def test_files_that_are_no_days_are_left_alone(settings: ServerSettings, name: str) -> None:
    await filled(settings, rows=1)
    stranger = settings.pictures_path / name
    stranger.write_text("mine", encoding="utf-8")
    pruned(settings)
    assert stranger.exists()


def test_a_transaction_that_held_the_cameras_up_is_followed_by_a_smaller_one() -> None:
    assert next_size(200, 0.1) == 100
    assert next_size(LEAST_AT_ONCE, 5.0) == LEAST_AT_ONCE
    assert next_size(200, 0.02) == 200
    assert next_size(200, 0.001) == 400
    assert next_size(MOST_AT_ONCE, 0.001) == MOST_AT_ONCE
