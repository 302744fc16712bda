"""Every database comes to the newest schema, whole or not at all, and keeps what it has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from db import migrations
from db.migrations import AGENT, SERVER_SQLITE, MigrationFailed, migrate, migrations_in
from tests.db.schemas import (
    AGENT_PROMISES,
    OLDER_AGENT,
    OLDER_SERVER,
    SERVER_PROMISES,
    columns,
    database,
    rows,
    schema,
)

ROOT = Path(__file__).parents[2]
FOLDERS = {"agent": AGENT, "server": SERVER_SQLITE}
OLDER = {"agent": OLDER_AGENT, "server": OLDER_SERVER}
PROMISES = {"agent": AGENT_PROMISES, "server": SERVER_PROMISES}
BOTH = pytest.mark.parametrize("program", ["agent", "server"])


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = database(tmp_path / "new.db")
    yield connection
    connection.close()


@BOTH
def test_empty_database_gets_the_newest_schema(empty: apsw.Connection, program: str) -> None:
    folder = FOLDERS[program]
    assert migrate(empty, folder) == migrations_in(folder)
    assert migrations.schema_version(empty) == len(migrations_in(folder)) > 0
    assert rows(empty, "PRAGMA integrity_check") == [("ok",)]
    assert not empty.in_transaction


@BOTH
def test_second_run_changes_nothing(empty: apsw.Connection, program: str) -> None:
    migrate(empty, FOLDERS[program])
    before = schema(empty)
    assert migrate(empty, FOLDERS[program]) == ()
    assert migrations.pending(empty, FOLDERS[program]) == ()
    assert schema(empty) == before


@BOTH
@pytest.mark.parametrize("is_older", [False, True], ids=["new", "older"])
def test_names_that_users_rely_on_are_there(tmp_path: Path, program: str, is_older: bool) -> None:
    connection = database(tmp_path / "any.db", OLDER[program] if is_older else "")
    migrate(connection, FOLDERS[program])
    for table, names in PROMISES[program].items():
        assert set(names.split()) <= columns(connection, table).keys(), table
    connection.close()


@BOTH
def test_older_and_new_databases_end_alike(tmp_path: Path, program: str) -> None:
    older = database(tmp_path / "older.db", OLDER[program])
    new = database(tmp_path / "new.db")
    for connection in (older, new):
        migrate(connection, FOLDERS[program])
    tables = [name for (name,) in rows(new, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        assert columns(older, str(table)) == columns(new, str(table))
    others = "SELECT type, name, sql FROM sqlite_master WHERE type <> 'table' ORDER BY 1, 2"
    assert rows(older, others) == rows(new, others)
    older.close()
    new.close()


def test_older_camera_keeps_its_rows_and_gets_their_times(tmp_path: Path) -> None:
    connection = database(tmp_path / "lpr_data.db", OLDER_AGENT)
    connection.execute("""
        INSERT INTO camera_metadata (frame_id, timestamp, lux)
            VALUES ('f1', '2024-08-06T10:30:00', 9);
        INSERT INTO detection_results (frame_id, license_plate_text, lp_confidence, sent_to_server)
            VALUES ('f1', '1กก 1234', 0.95, 0), ('gone', 'ABC1234', 95.5, 1);
        INSERT INTO health_checks (timestamp, component, status)
            VALUES ('2024-08-06', 'camera', 'PASS');
    """)
    older = {table: rows(connection, f"SELECT * FROM {table}") for table in AGENT_PROMISES}  # noqa: S608 - our own names
    migrate(connection, AGENT)
    for table, kept in older.items():
        width = len(kept[0])
        now = rows(connection, f"SELECT * FROM {table}")  # noqa: S608 - our own names
        assert [row[:width] for row in now] == kept, "columns join behind the older ones"
    found = rows(connection, "SELECT timestamp, message_id, sequence FROM detection_results")
    assert found == [("2024-08-06T10:30:00", None, None), (None, None, None)]
    connection.close()


def test_older_server_keeps_its_rows(tmp_path: Path) -> None:
    connection = database(tmp_path / "websocket_server.db", OLDER_SERVER)
    connection.execute(
        "INSERT INTO lpr_detections (license_plate, confidence, image_data, processed) "
        "VALUES ('1กก 1234', 0.95, '/9j/', 1)"
    )
    before = rows(connection, "SELECT * FROM lpr_detections")
    migrate(connection, SERVER_SQLITE)
    after = rows(connection, "SELECT * FROM lpr_detections")
    assert [row[: len(before[0])] for row in after] == before
    connection.close()


def test_older_tools_may_go_on_writing(tmp_path: Path) -> None:
    """The older camera's own statements, on our schema: their rows wait, without id or number."""
    connection = database(tmp_path / "lpr_data.db")
    migrate(connection, AGENT)
    connection.execute("""
        INSERT INTO camera_metadata (frame_id, timestamp) VALUES ('f', '2024-08-06T10:30:00');
        INSERT INTO detection_results (frame_id, license_plate_text, lp_confidence, lp_box_x,
            lp_box_y, lp_box_w, lp_box_h, lp_image_filename) VALUES
            ('f', 'A', 1, 1, 2, 3, 4, 'a.jpg'),
            ('f', 'B', 1, 1, 2, 3, 4, 'b.jpg');
        UPDATE detection_results SET sent_to_server = 1, sent_timestamp = 'now' WHERE id = 1;
        DELETE FROM detection_results WHERE timestamp < date('now', '-30 days');
    """)
    found = rows(connection, "SELECT license_plate_text, sent_to_server FROM detection_results")
    assert found == [("A", 1), ("B", 0)]
    connection.close()


def test_column_that_somebody_added_already_is_kept(tmp_path: Path) -> None:
    """The older documentation's DELETE needs a timestamp column: some made one themselves."""
    connection = database(tmp_path / "lpr_data.db", OLDER_AGENT)
    connection.execute("""
        ALTER TABLE detection_results ADD COLUMN Timestamp TEXT;
        INSERT INTO detection_results (frame_id, timestamp) VALUES ('f', 'theirs');
    """)
    migrate(connection, AGENT)
    assert rows(connection, "SELECT timestamp FROM detection_results") == [("theirs",)]
    connection.close()


def step(folder: Path, name: str, sql: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(sql, encoding="utf-8")


def test_failing_step_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "steps"
    step(folder, "0001_first.sql", "CREATE TABLE first (id INTEGER); INSERT INTO first VALUES (1);")
    connection = database(tmp_path / "a.db")
    migrate(connection, folder)
    before = schema(connection)
    step(folder, "0002_second.sql", "CREATE TABLE second (id INTEGER); DELETE FROM first;")
    step(folder, "0003_third.sql", "CREATE TABLE third (id INTEGER); SELECT id FROM nowhere;")
    with pytest.raises(MigrationFailed) as failed:
        migrate(connection, folder)
    said = str(failed.value)
    assert "a.db: step 0003_third.sql failed, nothing was changed: " in said
    assert "no such table: nowhere" in said
    assert schema(connection) == before
    assert rows(connection, "SELECT id FROM first") == [(1,)]
    assert not connection.in_transaction
    step(folder, "0003_third.sql", "CREATE TABLE third (id INTEGER);")
    assert [done.number for done in migrate(connection, folder)] == [2, 3]
    connection.close()


def test_statement_that_yields_rows_does_not_end_a_step(tmp_path: Path) -> None:
    folder = tmp_path / "steps"
    step(folder, "0001_one.sql", "SELECT 1; CREATE TABLE later (id INTEGER);")
    connection = database(tmp_path / "a.db")
    migrate(connection, folder)
    assert columns(connection, "later") == {"id": "INTEGER"}
    connection.close()


@BOTH
def test_database_of_a_newer_program_is_refused_with_advice(
    empty: apsw.Connection, program: str
) -> None:
    migrate(empty, FOLDERS[program])
    newest = len(migrations_in(FOLDERS[program]))
    empty.pragma("user_version", newest + 1)
    before = schema(empty)
    with pytest.raises(MigrationFailed) as failed:
        migrate(empty, FOLDERS[program])
    assert f"has schema {newest + 1}, this program knows {newest}" in str(failed.value)
    assert "install that version or newer" in str(failed.value)
    assert schema(empty) == before
    assert not empty.in_transaction


def test_gap_in_the_numbers_is_an_error(tmp_path: Path) -> None:
    step(tmp_path / "steps", "0001_one.sql", "")
    step(tmp_path / "steps", "0003_three.sql", "")
    with pytest.raises(ValueError, match="not numbered 0001, 0002"):
        migrations_in(tmp_path / "steps")


def test_other_files_are_no_steps(tmp_path: Path) -> None:
    for name in ("0001_one.sql", "notes.md", "pictures.sql", "0002_two.sql.bak"):
        step(tmp_path / "steps", name, "")
    assert [found.name for found in migrations_in(tmp_path / "steps")] == ["0001_one.sql"]


OPENER = """
import sys
from pathlib import Path
import apsw
from db.migrations import migrate
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(20_000)
print("ready", flush=True)
sys.stdin.readline()
print(len(migrate(connection, Path(sys.argv[2]))))
"""


@BOTH
def test_processes_that_start_at_once_migrate_once(tmp_path: Path, program: str) -> None:
    path, folder = tmp_path / "shared.db", FOLDERS[program]
    database(path, OLDER[program]).close()
    command = [sys.executable, "-c", OPENER, str(path), str(folder)]
    started = [
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    applied = [int(process.communicate(timeout=60)[0]) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert sorted(applied) == [0, 0, len(migrations_in(folder))]
    connection = database(path)
    assert migrations.pending(connection, folder) == ()
    connection.close()


def test_pictures_schema_may_be_run_on_an_existing_file(empty: apsw.Connection) -> None:
    sql = (SERVER_SQLITE / "pictures.sql").read_text(encoding="utf-8")
    empty.execute(sql)
    empty.execute("INSERT INTO pictures VALUES ('aa', 1, x'ff')")
    empty.execute(sql)
    assert rows(empty, "SELECT * FROM pictures") == [("aa", 1, b"\xff")]


@pytest.mark.parametrize(
    "table", ["detection_results", "face_results", "health_checks", "evictions"]
)
def test_waiting_and_refused_rows_are_found_by_their_index(
    empty: apsw.Connection, table: str
) -> None:
    migrate(empty, AGENT)
    for flag, name in ((0, "waiting"), (2, "refused")):
        sql = f"EXPLAIN QUERY PLAN SELECT id FROM {table} WHERE sent_to_server = {flag}"  # noqa: S608 - our own names
        assert f"{table}_{name}" in str(rows(empty, sql))


def test_view_shows_pictures_to_connections_that_have_the_function(empty: apsw.Connection) -> None:
    migrate(empty, SERVER_SQLITE)
    asked: list[tuple[object, ...]] = []

    def picture_base64(*arguments: apsw.SQLiteValue) -> str:
        asked.append(arguments)
        return "/9j/"

    empty.create_scalar_function("picture_base64", picture_base64, 2)
    empty.execute("""
        INSERT INTO lpr_detections (license_plate, image_data) VALUES ('OLD', 'older');
        INSERT INTO lpr_detections (license_plate, image_sha256, received_at)
            VALUES ('NEW', 'ab', '2026-08-06T03:30:00.250+00:00');
    """)
    found = rows(empty, "SELECT license_plate, image_data FROM lpr_detections_with_images")
    assert found == [("OLD", "older"), ("NEW", "/9j/")]
    assert asked == [("ab", "2026-08-06")]
    view = columns(empty, "lpr_detections_with_images")
    assert list(view) == SERVER_PROMISES["lpr_detections"].split()
