"""An older camera's database is taken over in place, and what waits in it is sent."""

from __future__ import annotations

import resource
import signal
from datetime import timedelta, timezone
from pathlib import Path

import apsw
import cv2
import numpy as np
import pytest

from agent.delivery import WaitingRow
from agent.errors import DatabaseUnusable
from agent.outbox.adoption import check_room
from agent.outbox.sending import SendingStore
from agent.outbox.store import Outbox
from db import migrations
from tests.agent.outbox.older_camera import jpeg, make_older_database
from tests.agent.outbox.sightings import plate
from wire.message_id import is_message_id
from wire.rows import HealthRow, LprRow, Table

BANGKOK = timezone(timedelta(hours=7))


@pytest.fixture
def older(tmp_path: Path) -> tuple[Path, Path]:
    path, images = tmp_path / "db" / "lpr_data.db", tmp_path / "captured_images"
    make_older_database(path, images)
    return path, images


def waiting(store: SendingStore, table: Table = Table.LPR_DETECTION) -> list[WaitingRow]:
    return list(store.waiting(table, after_id=0, up_to_id=None, limit=100))


def test_backup_is_made_first_and_the_database_goes_on(older: tuple[Path, Path]) -> None:
    path, images = older
    before = apsw.Connection(str(path)).execute("SELECT * FROM detection_results").fetchall()
    with Outbox.open(path, images, "cam-1") as outbox:
        (backup,) = path.parent.glob("lpr_data.before-sightpost-*.db")
        kept = apsw.Connection(str(backup))
        assert kept.execute("SELECT * FROM detection_results").fetchall() == before
        assert migrations.schema_version(kept) == 0
        counts = outbox.counts()
        assert (counts.captured, counts.waiting, counts.acknowledged) == (7, 6, 1)
        outbox.record_plate(plate("NEW1"))
        assert outbox.counts().waiting == 7
    with Outbox.open(path, images, "cam-1"):
        assert len(list(path.parent.glob("*.before-sightpost-*.db"))) == 1


def test_new_database_needs_no_backup(tmp_path: Path) -> None:
    with Outbox.open(tmp_path / "lpr_data.db", tmp_path / "images", "cam-1"):
        assert not list(tmp_path.glob("*before-sightpost*"))


def test_waiting_rows_get_ids_sequences_offsets_and_their_pictures(
    older: tuple[Path, Path],
) -> None:
    path, images = older
    store = SendingStore.open(path, images, "cam-1", zone=BANGKOK)
    rows = waiting(store)
    assert [row.key.row_id for row in rows] == [2, 3, 4, 5, 6]
    assert [row.row.sequence for row in rows] == [1, 2, 3, 4, 5]
    assert all(is_message_id(row.row.id) for row in rows)
    first = rows[0].row
    assert isinstance(first, LprRow)
    assert first.data.timestamp == "2024-08-06T10:30:02.250000+07:00"
    assert first.captured_at.utcoffset() == timedelta(hours=7)
    assert first.data.confidence == 50.0
    assert first.data.lux == 120.0
    percents = [row.row.data.confidence for row in rows if isinstance(row.row, LprRow)]
    assert percents == [50.0, 50.0, 50.0, 95.5, 95.5]
    expected = [None, jpeg(3), jpeg(4), jpeg(5), None]
    for row, content in zip(rows[1:], expected[1:], strict=True):
        assert store.read_picture(row) == content
    large = store.read_picture(rows[0])
    assert large is not None
    scaled = cv2.imdecode(np.frombuffer(large, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert scaled is not None
    assert scaled.shape[:2] == (480, 640)
    (health,) = waiting(store, Table.HEALTH_MONITOR)
    assert isinstance(health.row, HealthRow)
    assert health.row.data.timestamp == "2024-08-06T10:31:00+07:00"
    assert health.row.sequence == 6
    store.close()


def test_ids_given_once_stay(older: tuple[Path, Path]) -> None:
    path, images = older
    for_all = []
    for _ in range(2):
        store = SendingStore.open(path, images, "cam-1")
        for_all.append([row.row.id for row in waiting(store)])
        store.close()
    assert for_all[0] == for_all[1]


def test_row_that_an_older_tool_inserts_later_is_sent_too(tmp_path: Path) -> None:
    path = tmp_path / "lpr_data.db"
    with Outbox.open(path, tmp_path, "cam-1") as outbox:
        outbox.record_plate(plate("OURS"))
        tool = apsw.Connection(str(path))
        tool.execute(
            "INSERT INTO detection_results (frame_id, license_plate_text) VALUES ('x', 'THEIRS')"
        )
        tool.close()
        store = outbox.sending()
        rows = waiting(store)
        assert [row.row.sequence for row in rows] == [1, 2]
        assert outbox.counts().captured == 2
        store.close()


def test_column_that_somebody_added_before_us_is_kept(older: tuple[Path, Path]) -> None:
    path, images = older
    tool = apsw.Connection(str(path))
    tool.execute("ALTER TABLE detection_results ADD COLUMN timestamp TEXT")
    tool.execute("ALTER TABLE health_checks DROP COLUMN message")
    tool.close()
    with Outbox.open(path, images, "cam-1") as outbox:
        assert outbox.counts().waiting == 6
        store = outbox.sending()
        assert len(waiting(store)) == 5
        assert len(waiting(store, Table.HEALTH_MONITOR)) == 1
        store.close()


@pytest.mark.parametrize("stored", [None, "", "yesterday", "9999-99-99", "0001-01-01T00:00:00"])
def test_time_that_is_none_does_not_hold_a_row(tmp_path: Path, stored: str | None) -> None:
    path = tmp_path / "lpr_data.db"
    with Outbox.open(path, tmp_path, "cam-1") as outbox:
        tool = apsw.Connection(str(path))
        tool.execute(
            "INSERT INTO detection_results (frame_id, timestamp, lp_confidence) VALUES ('x', ?, ?)",
            (stored, "high"),
        )
        tool.close()
        store = outbox.sending()
        (row,) = waiting(store)
        assert row.row.captured_at.year >= 2024
        store.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE detection_results SET license_plate_text = CAST(x'ff41' AS TEXT) WHERE id = 3",
        "UPDATE detection_results SET evidence = x'ff' WHERE id = 3",
    ],
)
def test_row_that_cannot_be_read_is_set_aside_and_others_pass(
    older: tuple[Path, Path], damage: str
) -> None:
    path, images = older
    with Outbox.open(path, images, "cam-1") as outbox:
        tool = apsw.Connection(str(path))
        tool.execute(damage)
        store = outbox.sending()
        assert [row.key.row_id for row in waiting(store)] == [2, 4, 5, 6]
        assert outbox.counts().refused == 1
        error = tool.execute("SELECT send_error FROM detection_results WHERE id = 3").get
        assert "cannot be read" in error
        store.close()
        tool.close()


def test_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lpr_data.db"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(DatabaseUnusable, match="no SQLite database"):
        Outbox.open(path, tmp_path, "cam-1")
    assert path.read_bytes().startswith(b"this is no")


def test_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lpr_data.db"
    newer = apsw.Connection(str(path))
    newer.pragma("user_version", 99)
    newer.close()
    with pytest.raises(DatabaseUnusable, match="newer Sightpost"):
        Outbox.open(path, tmp_path, "cam-1")


def test_other_device_name_begins_an_epoch_and_numbers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "lpr_data.db"
    with Outbox.open(path, tmp_path, "cam-1") as outbox:
        outbox.record_plate(plate())
        store = outbox.sending()
        before = store.identity()
        store.close()
    with Outbox.open(path, tmp_path, "cam-2") as outbox:
        store = outbox.sending()
        after = store.identity()
        store.close()
        assert (after.device_id, after.last_sequence) == ("cam-2", 1)
        assert after.epoch != before.epoch
        assert outbox.record_plate(plate()).sequence == 2


def test_machine_that_is_renamed_keeps_the_name_in_its_database(tmp_path: Path) -> None:
    path = tmp_path / "lpr_data.db"
    with Outbox.open(path, tmp_path, "dhcp-17", is_default_name=True) as outbox:
        outbox.record_plate(plate())
        store = outbox.sending()
        before = store.identity()
        store.close()
    with Outbox.open(path, tmp_path, "dhcp-23", is_default_name=True) as outbox:
        store = outbox.sending()
        assert store.identity() == before
        store.close()
    alone = SendingStore.open(path, tmp_path, "dhcp-42", is_default_name=True)
    assert alone.identity() == before
    alone.close()


@pytest.mark.parametrize("back_to", [0, 1, 2, 7, None])
def test_books_balance_after_adopted_rows_are_changed_by_hand(
    older: tuple[Path, Path], back_to: int | None
) -> None:
    path, images = older
    with Outbox.open(path, images, "cam-1") as outbox:
        tool = apsw.Connection(str(path))
        tool.execute("UPDATE detection_results SET sent_to_server = ? WHERE id = 1", (back_to,))
        tool.execute(
            "INSERT INTO detection_results (frame_id, sent_to_server) VALUES ('hand', 1), ('x', 2)"
        )
        tool.execute("UPDATE detection_results SET sent_to_server = 0 WHERE frame_id = 'hand'")
        counts = outbox.counts()
        tool.close()
    parts = (counts.waiting, counts.acknowledged, counts.refused, counts.evicted)
    assert counts.captured == sum(parts)
    assert min(parts) >= 0
    assert counts.waiting == 7 + (back_to == 0)


def test_backup_that_does_not_fit_stops_the_adoption_and_leaves_nothing(
    older: tuple[Path, Path],
) -> None:
    path, images = older
    tool = apsw.Connection(str(path))
    tool.execute("PRAGMA page_size = 4096; CREATE TABLE padding (content BLOB)")
    tool.execute("INSERT INTO padding VALUES (zeroblob(4000000))")
    tool.close()
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        with pytest.raises(DatabaseUnusable, match="free disk space"):
            Outbox.open(path, images, "cam-1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list(path.parent.glob("*partial*")) + list(path.parent.glob(".*partial*"))
    assert not list(path.parent.glob("*before-sightpost*"))
    reader = apsw.Connection(str(path))
    assert migrations.schema_version(reader) == 0
    reader.close()
    assert len(path.read_bytes()) == len(before)


def test_disk_too_small_for_the_backup_is_told_before_it_is_filled(
    older: tuple[Path, Path],
) -> None:
    path, _ = older
    connection = apsw.Connection(str(path))
    with pytest.raises(DatabaseUnusable, match=r"its backup needs 0\.0 MB .* 0\.0 MB are free"):
        check_room(connection, path, free_bytes=1_000)
    check_room(connection, path, free_bytes=10**9)
    connection.close()


@pytest.mark.parametrize("is_opened_by_server", [True, False])
def test_servers_database_is_named_as_such(tmp_path: Path, is_opened_by_server: bool) -> None:
    path = tmp_path / "websocket_server.db"
    connection = apsw.Connection(str(path))
    if is_opened_by_server:
        migrations.migrate(connection, migrations.SERVER_SQLITE)
    else:
        connection.execute("CREATE TABLE lpr_detections (id INTEGER PRIMARY KEY)")
    connection.close()
    with pytest.raises(DatabaseUnusable, match=r"server's database.*set DB_PATH to another file"):
        Outbox.open(path, tmp_path, "cam-1")


def test_another_programs_database_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()
    with pytest.raises(DatabaseUnusable, match="another program's database"):
        Outbox.open(path, tmp_path, "cam-1")
