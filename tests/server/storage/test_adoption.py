"""An older server's database is adopted in place: backed up, completed, never refilled twice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from db.migrations import SERVER_SQLITE, migrations_in
from server.app import running
from server.config import ServerSettings
from server.errors import StartRefused
from server.storage.adoption import prepare_database
from server.storage.reading.sightings import SightingFilter
from tests.server.cameras import base64_of, classic_camera, classic_detection, classic_health, jpeg
from tests.server.conftest import Query
from tests.server.storage.history import centre_in

NOW = datetime(2026, 3, 1, 1, 2, 3, tzinfo=UTC)

OLDER_SCHEMA = """
CREATE TABLE lpr_detections (id INTEGER PRIMARY KEY AUTOINCREMENT, license_plate TEXT,
    confidence REAL, checkpoint_id TEXT, timestamp TEXT, hostname TEXT, vehicle_type TEXT,
    vehicle_color TEXT, latitude TEXT, longitude TEXT, image_data TEXT, exposure_time REAL,
    analog_gain REAL, lux REAL, received_at TEXT, processed INTEGER DEFAULT 0);
CREATE TABLE health_monitors (id INTEGER PRIMARY KEY AUTOINCREMENT, checkpoint_id TEXT,
    hostname TEXT, timestamp TEXT, component TEXT, status TEXT, message TEXT, system_info TEXT,
    received_at TEXT, processed INTEGER DEFAULT 0);
CREATE TABLE server_stats (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT,
    total_connections INTEGER, active_connections INTEGER, messages_received INTEGER,
    messages_processed INTEGER, errors INTEGER);
"""


def older_database(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(OLDER_SCHEMA)
    connection.executemany(
        "INSERT INTO lpr_detections (id, license_plate, confidence, checkpoint_id, timestamp, "
        "hostname, image_data, received_at) VALUES (?, ?, ?, '1', ?, 'aicamera', ?, ?)",
        [
            (5, "1กก 1234", 0.91, "2024-08-06T10:30:00", base64_of(jpeg()), "2024-08-06T10:30:01"),
            (9, "XYZ", 95.5, "some day", None, "2024-08-06T10:30:02"),
        ],
    )
    connection.execute(
        "INSERT INTO health_monitors (checkpoint_id, hostname, timestamp, component, status) "
        "VALUES ('1', '', '2024-08-06T10:30:00', 'camera', 'PASS')"
    )
    connection.close()


async def test_an_older_database_is_adopted_and_goes_on(
    settings: ServerSettings, query: Query
) -> None:
    older_database(settings.db_path)
    async with (
        running(settings, now=lambda: NOW) as server,
        classic_camera(server.ingest_port) as camera,
    ):
        answer = await camera.ask(classic_detection())
    assert answer["record_id"] == 10
    assert query(
        "SELECT id, license_plate, confidence_percent, timestamp, captured_at, device_id, "
        "image_status, image_data IS NOT NULL, message_id IS NOT NULL FROM lpr_detections"
    ) == [
        (5, "1กก 1234", 91.0, "2024-08-06T10:30:00", "2024-08-06T03:30:00.000+00:00",
         "classic:aicamera", "present", 1, 0),
        (9, "XYZ", 95.5, "some day", None, "classic:aicamera", "missing", 0, 0),
        (10, "ABC1234", 95.5, "2024-08-06T10:30:00", "2024-08-06T03:30:00.000+00:00",
         "classic:aicamera", "present", 0, 1),
    ]  # fmt: skip
    assert query("SELECT device_id, captured_at FROM health_monitors") == [
        ("classic:checkpoint-1", "2024-08-06T03:30:00.000+00:00")
    ]
    assert query("PRAGMA auto_vacuum") == [(2,)]
    assert query("PRAGMA integrity_check") == [("ok",)]


async def test_rows_of_an_older_server_are_found_and_shown_as_ours_are(
    settings: ServerSettings,
) -> None:
    older_database(settings.db_path)
    async with centre_in(settings.db_path.parent) as centre:
        found = await centre.sightings.page(SightingFilter(plate="Iกก*"))
        assert [(card.id, card.has_picture) for card in found.cards] == [(5, True)]
        assert (await centre.sightings.picture(5)).content == jpeg()
        everything = await centre.sightings.page(SightingFilter())
        assert [card.plate for card in everything.cards] == ["1กก 1234", "XYZ"]
        board = await centre.cameras.board(now=NOW, connected=())
        assert [card.device_id for card in board] == ["classic:aicamera", "classic:checkpoint-1"]


async def test_an_old_camera_that_repeats_an_adopted_row_makes_no_second(
    settings: ServerSettings, query: Query
) -> None:
    older_database(settings.db_path)
    health = classic_health(hostname=None, message=None, system_info=None)
    async with (
        running(settings, now=lambda: NOW) as server,
        classic_camera(server.ingest_port) as camera,
    ):
        repeated = await camera.ask(classic_detection(license_plate="1กก 1234"))
        other_picture = await camera.ask(
            classic_detection(license_plate="1กก 1234", image=base64_of(jpeg(12)))
        )
        repeated_health = await camera.ask(health)
    assert (repeated["record_id"], other_picture["record_id"]) == (5, 10)
    assert repeated_health["record_id"] == 1
    assert query("SELECT count(*) FROM lpr_detections") == [(3,)]
    assert query("SELECT count(*) FROM health_monitors") == [(1,)]


def test_it_is_backed_up_first_and_only_once(settings: ServerSettings) -> None:
    older_database(settings.db_path)
    first = prepare_database(settings.db_path, zone_of=settings.zone_of, now=NOW)
    again = prepare_database(settings.db_path, zone_of=settings.zone_of, now=NOW)
    backup = settings.db_path.with_name("server.before-sightpost-20260301-010203.db")
    assert first.backup == backup
    assert first.adopted_rows == 3
    assert (again.backup, again.steps, again.adopted_rows) == (None, (), 0)
    assert not list(settings.db_path.parent.glob("*.part"))
    kept = apsw.Connection(str(backup), flags=apsw.SQLITE_OPEN_READONLY)
    assert kept.execute("SELECT id, license_plate FROM lpr_detections").fetchall() == [
        (5, "1กก 1234"),
        (9, "XYZ"),
    ]
    assert kept.execute("SELECT name FROM sqlite_schema WHERE name = 'cameras'").get is None
    kept.close()


def test_a_new_database_needs_no_backup(settings: ServerSettings) -> None:
    prepared = prepare_database(settings.db_path, zone_of=settings.zone_of, now=NOW)
    assert prepared.backup is None
    assert prepared.steps == tuple(step.name for step in migrations_in(SERVER_SQLITE))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("CREATE TABLE detection_results (id); CREATE TABLE lpr_detections (id)", "camera's"),
        ("CREATE TABLE recipes (id)", "another program's"),
        (OLDER_SCHEMA + "PRAGMA user_version = 99", "newer"),
    ],
)
def test_a_database_that_is_not_ours_is_left_alone(
    settings: ServerSettings, sql: str, words: str
) -> None:
    connection = apsw.Connection(str(settings.db_path))
    connection.execute(sql)
    connection.close()
    before = settings.db_path.read_bytes()
    with pytest.raises(StartRefused, match=words):
        prepare_database(settings.db_path, zone_of=settings.zone_of, now=NOW)
    assert settings.db_path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(settings: ServerSettings) -> None:
    settings.db_path.write_text("shopping list\n" * 100, encoding="utf-8")
    with pytest.raises(StartRefused, match="no SQLite database"):
        prepare_database(settings.db_path, zone_of=settings.zone_of, now=NOW)


def test_an_older_server_that_still_runs_is_named(settings: ServerSettings) -> None:
    older_database(settings.db_path)
    older_server = apsw.Connection(str(settings.db_path))
    older_server.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StartRefused, match="in use by another program"):
        prepare_database(settings.db_path, zone_of=settings.zone_of, now=NOW)
    older_server.close()
