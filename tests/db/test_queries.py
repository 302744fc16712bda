"""db/queries.sql: each query runs on its schema, and the important ones answer rightly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from db import migrations
from db.migrations import AGENT, SERVER_SQLITE, migrate
from tests.db.schemas import database, rows

TEXT = (Path(migrations.__file__).parent / "queries.sql").read_text(encoding="utf-8")
NAMED = re.compile(r"^-- (agent|server): (.+)\n((?:--.*\n)*)((?:(?!\n\n)[\s\S])+)", re.MULTILINE)
QUERIES = {
    program: {
        name.partition(" (")[0]: sql
        for owner, name, _, sql in NAMED.findall(TEXT)
        if owner == program
    }
    for program in ("agent", "server")
}
NAMES = [(program, name) for program, named in QUERIES.items() for name in named]

AGENT_ROWS = """
INSERT INTO store (only, device_id, epoch, last_sequence, created_at)
    VALUES (1, 'gate', 'e1', 9, '2026-08-01T00:00:00+00:00');
INSERT INTO camera_metadata (frame_id, timestamp, lux)
    VALUES ('f1', '2026-08-05T10:00:00+07:00', 9);
INSERT INTO detection_results (frame_id, timestamp, license_plate_text, lp_confidence, message_id,
    sequence, sent_to_server) VALUES
    ('f1', '2026-08-05T10:00:00+07:00', 'ABC1234', 0.9, 'm1', 1, 0),
    ('f2', '2026-08-06T10:00:00+07:00', '1กก 1234', 0.8, 'm2', 2, 0),
    ('f3', '2026-08-06T11:00:00+07:00', 'ABC1234', 0.7, 'm3', 3, 0),
    ('f4', '2026-08-06T11:30:00+07:00', '', NULL, 'm4', 6, 0);
UPDATE detection_results SET sent_to_server = 1 WHERE id = 1;
UPDATE detection_results SET sent_to_server = 2, send_error = 'data.lux: expected float'
    WHERE id = 2;
UPDATE detection_results SET send_error = 'busy', send_attempts = 2 WHERE id = 4;
INSERT INTO health_checks (timestamp, component, status, message, message_id, sequence) VALUES
    ('2026-08-06T10:00:00+07:00', 'camera', 'PASS', '', 'm5', 7),
    ('2026-08-06T10:05:00+07:00', 'camera', 'FAIL', 'no frames', 'm6', 8);
INSERT INTO evictions (timestamp, kind, reason, evicted_table, count, message_id, sequence)
    VALUES ('2026-08-06T10:00:00+07:00', 'row', 'quota', 'health_monitor', 2, 'm7', 9);
"""
SERVER_ROWS = """
INSERT INTO cameras (device_id, hostname, checkpoint_id, first_seen, last_seen)
    VALUES ('gate', 'aicamera', '1', '2026-08-01T00:00:00+00:00', '2026-08-06T04:30:00+00:00');
INSERT INTO camera_epochs VALUES (1, 'e1', 9, 6, '2026-08-01', '2026-08-06', NULL, 0, 0);
INSERT INTO lpr_detections (license_plate, confidence_percent, checkpoint_id, timestamp,
    captured_at, received_at, message_id, device_id, epoch, sequence, image_sha256, image_status)
    VALUES
    ('ABC1234', 90, '1', '2026-08-05T23:00:00+07:00', '2026-08-05T16:00:00+00:00',
     '2026-08-06T00:00:01+00:00',
     '00000000-0000-7000-8000-0000000000aa', 'gate', 'e1', 1, 'aa', 'present'),
    ('1กก 1234', 80, '1', '2026-08-06T10:00:00+07:00', '2026-08-06T03:00:00+00:00',
     '2026-08-06T03:00:01+00:00',
     '00000000-0000-7000-8000-0000000000ab', 'gate', 'e1', 2, NULL, 'missing'),
    ('ABC1234', 70, '2', '2026-08-06T11:00:00+07:00', '2026-08-06T04:00:00+00:00',
     '2026-08-07T00:00:01+00:00',
     '00000000-0000-7000-8000-0000000000ac', 'gate', 'e1', 6, 'bb', 'present'),
    ('OLD', NULL, NULL, '2024-01-01', NULL, '2024-01-01', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO message_ledger VALUES
    (x'000000000000700080000000000000aa', 1, 1, 1, x'00', 1),
    (x'000000000000700080000000000000ab', 1, 1, 2, x'00', 1);
INSERT INTO health_monitors (component, status, device_id, epoch, sequence, message_id)
    VALUES ('camera', 'FAIL', 'gate', 'e1', 3, 'h1'), ('camera', 'PASS', 'gate', 'e1', 4, 'h2');
INSERT INTO evictions (kind, reason, evicted_table, count, device_id, epoch, sequence, message_id)
    VALUES ('row', 'quota', 'health_monitor', 2, 'gate', 'e1', 9, 'v1');
INSERT INTO corrections (sighting_id, plate, plate_before, corrected_by, corrected_at, note)
    VALUES (1, 'XYZ', 'ABC1234', 'ada', '2026-08-06T09:00:00.000+00:00', 'seen');
INSERT INTO server_stats (timestamp, errors) VALUES ('2026-08-06', 0);
INSERT INTO device_tokens (name, token_sha256, created_at) VALUES ('gate', x'00', '2026-08-01');
"""

TOLD = """
INSERT INTO health_monitors (component, status, device_id, captured_at, system_info) VALUES
    ('agent', 'PASS', 'gate', '2026-08-06T03:00:00+00:00', '{"rows_captured": "1"}'),
    ('agent', 'PASS', 'gate', '2026-08-06T04:00:00+00:00', '{"rows_captured": "9",
     "rows_acknowledged": "6", "rows_waiting": "1", "rows_refused": "0", "rows_evicted": "2"}');
"""
LOOK_ALIKES = """
INSERT INTO lpr_detections (license_plate, captured_at) VALUES
    ('8O5', '2026-08-04T10:00:00.000+00:00'), ('BOS', '2026-08-04T10:01:00.000+00:00');
"""


def writefile(*arguments: apsw.SQLiteValue) -> int:
    """As the sqlite3 shell's, but for the file: the number of bytes."""
    _, content = arguments
    assert isinstance(content, bytes)
    return len(content)


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[dict[str, apsw.Connection]]:
    """Both databases with a few rows, and a day's pictures in `db/pictures`."""
    agent = database(tmp_path / "lpr_data.db")
    migrate(agent, AGENT)
    agent.execute(AGENT_ROWS)
    server = database(tmp_path / "websocket_server.db")
    migrate(server, SERVER_SQLITE)
    server.execute(SERVER_ROWS)
    server.create_scalar_function("writefile", writefile, 2)
    (tmp_path / "db" / "pictures").mkdir(parents=True)
    sql = (SERVER_SQLITE / "pictures.sql").read_text(encoding="utf-8")
    day = database(tmp_path / "db" / "pictures" / "2026-08-06.db", sql)
    day.execute("INSERT INTO pictures VALUES ('aa', 4, x'ffd8ffd9'), ('bb', 4, x'ffd8ffd9')")
    day.close()
    yield {"agent": agent, "server": server}
    agent.close()
    server.close()


class Asked:
    """Answers a query of the file by its name, from the folder where `db/` lies."""

    def __init__(self, databases: dict[str, apsw.Connection], folder: Path) -> None:
        self._databases = databases
        self._folder = folder

    def __call__(self, program: str, name: str) -> list[Any]:
        sql = QUERIES[program][name].replace("'db/pictures/", f"'{self._folder}/db/pictures/")
        return rows(self._databases[program], sql)


@pytest.fixture
def asked(databases: dict[str, apsw.Connection], tmp_path: Path) -> Asked:
    return Asked(databases, tmp_path)


def test_every_statement_of_the_file_belongs_to_a_named_query() -> None:
    code = "\n".join(line for line in TEXT.splitlines() if not line.startswith("--"))
    statements = [text.strip() for text in code.split(";") if text.strip()]
    named = [
        text.strip()
        for queries in QUERIES.values()
        for sql in queries.values()
        for text in "\n".join(line for line in sql.splitlines() if not line.startswith("--")).split(
            ";"
        )
        if text.strip()
    ]
    assert sorted(named) == sorted(statements)
    assert len(QUERIES["agent"]) >= 15
    assert len(QUERIES["server"]) >= 15


def test_names_are_given_once_and_parts_are_not_mixed() -> None:
    found = [(program, name) for program, name, _, _ in NAMED.findall(TEXT)]
    assert len(set(found)) == len(found) == len(NAMES)
    owners = [program for program, _ in found]
    assert owners == sorted(owners), "the agent's queries first, then the server's"


@pytest.mark.parametrize(("program", "name"), NAMES, ids=[f"{p}: {n}" for p, n in NAMES])
def test_query_runs(asked: Asked, program: str, name: str) -> None:
    asked(program, name)


@pytest.mark.parametrize(("program", "name"), NAMES, ids=[f"{p}: {n}" for p, n in NAMES])
def test_query_only_reads_unless_it_says_that_it_writes(
    databases: dict[str, apsw.Connection], asked: Asked, program: str, name: str
) -> None:
    before = databases[program].total_changes()
    asked(program, name)
    writes = databases[program].total_changes() != before
    assert writes is name.startswith("delete")


ANSWERS: dict[tuple[str, str], list[Any]] = {
    ("agent", "unsent counts"): [(2, 0, 2, 1)],
    ("agent", "waiting, acknowledged and refused rows by table"): [
        ("detection_results", 0, 2),
        ("detection_results", 1, 1),
        ("detection_results", 2, 1),
        ("health_checks", 0, 2),
        ("evictions", 0, 1),
    ],
    ("agent", "the books"): [("gate", "e1", 9, 7, 1, 5, 1, 0, 0)],
    ("agent", "oldest waiting detection"): [(3, "2026-08-06T11:00:00+07:00", "ABC1234", 0, None)],
    ("agent", "waiting rows that a server turned away for now"): [
        ("detection_results", 4, 2, None, "busy")
    ],
    ("agent", "refused rows and why"): [
        ("detection_results", 2, "2026-08-06T10:00:00+07:00", "m2", "data.lux: expected float")
    ],
    ("agent", "detections per day"): [("2026-08-06", 3, 3), ("2026-08-05", 1, 1)],
    ("agent", "detections per hour of the last day that has any"): [("10", 1), ("11", 2)],
    ("agent", "average confidence"): [(0.8, 3)],
    ("agent", "five commonest plates"): [("ABC1234", 2), ("1กก 1234", 1)],
    ("agent", "latest health of each component"): [
        ("camera", "FAIL", "no frames", "2026-08-06T10:05:00+07:00")
    ],
    ("agent", "gaps in the sequence"): [(4, 5, 2)],
    ("agent", "duplicates check"): [],
    ("server", "detections of the last hour that has any, by minute"): [("2026-08-06T04:00", 1)],
    ("server", "passages of one plate"): [
        ("2026-08-06T04:00:00+00:00", "2", "ABC1234", None, 70.0, 3),
        ("2026-08-05T16:00:00+00:00", "1", "ABC1234", None, 90.0, 1),
    ],
    ("server", "plates that begin so"): [
        ("2026-08-06T04:00:00+00:00", "2", "ABC1234", 3),
        ("2026-08-05T16:00:00+00:00", "1", "ABC1234", 1),
    ],
    ("server", "readings that people corrected"): [
        ("2026-08-06T09:00:00.000+00:00", "ada", 1, "ABC1234", "ABC1234", "XYZ", "seen", None)
    ],
    ("server", "detections per checkpoint"): [
        ("1", 2, 2, "2026-08-05T16:00:00+00:00", "2026-08-06T03:00:00+00:00"),
        (None, 1, 1, None, None),
        ("2", 1, 1, "2026-08-06T04:00:00+00:00", "2026-08-06T04:00:00+00:00"),
    ],
    ("server", "detections per day"): [
        ("2026-08-06", 2, 2),
        ("2026-08-05", 1, 1),
        ("2024-01-01", 1, 1),
    ],
    ("server", "detections between two moments"): [
        ("2026-08-06T03:00:00+00:00", "1", "1กก 1234", 80.0),
        ("2026-08-06T04:00:00+00:00", "2", "ABC1234", 70.0),
    ],
    ("server", "average confidence per checkpoint"): [
        (None, None, 0),
        ("1", 85.0, 2),
        ("2", 70.0, 1),
    ],
    ("server", "five commonest plates"): [("ABC1234", 2), ("1กก 1234", 1), ("OLD", 1)],
    ("server", "the books of each camera's store"): [
        ("gate", "e1", 9, 6, 3, "2026-08-01", "2026-08-06")
    ],
    ("server", "gaps in the sequence per device and epoch"): [
        ("gate", "e1", 5, 5, 1),
        ("gate", "e1", 7, 8, 2),
    ],
    ("server", "duplicates check"): [],
    ("server", "records that the ledger does not know"): [
        (3, "00000000-0000-7000-8000-0000000000ac", "2026-08-07T00:00:01+00:00")
    ],
    ("server", "latest health of each camera and component"): [
        ("gate", "camera", "PASS", None, None)
    ],
    ("server", "pictures by status"): [(None, 1), ("missing", 1), ("present", 2)],
    ("server", "pictures of a day"): [(1, "ABC1234", "2026-08-05T23:00:00+07:00", "aa", 4)],
    ("server", "save the pictures of a day as files"): [(1, 4)],
    ("server", "device tokens"): [("gate", "2026-08-01", None, None)],
}


@pytest.mark.parametrize(("program", "name"), ANSWERS, ids=[f"{p}: {n}" for p, n in ANSWERS])
def test_answer_is_right(asked: Asked, program: str, name: str) -> None:
    found = asked(program, name)
    expected = ANSWERS[program, name]
    if name == "detections per checkpoint":
        found, expected = sorted(found, key=str), sorted(expected, key=str)
    assert found == expected


def test_what_cameras_say_of_their_rows(
    databases: dict[str, apsw.Connection], asked: Asked
) -> None:
    databases["server"].execute(TOLD)
    assert asked("server", "what each camera last said of its rows") == [
        ("gate", "2026-08-06T04:00:00+00:00", 9, 6, 1, 0, 2, None, 0)
    ]


def test_plates_that_look_alike(databases: dict[str, apsw.Connection], asked: Asked) -> None:
    assert asked("server", "plates that were read in more than one way") == []
    databases["server"].execute(LOOK_ALIKES)
    assert asked("server", "plates that were read in more than one way") == [("805", 2, "8O5,BOS")]


def test_newest_comes_first(asked: Asked) -> None:
    assert [row[0] for row in asked("agent", "newest detections")] == [4, 3, 2, 1]
    assert [row[0] for row in asked("server", "newest received")] == [4, 3, 2, 1]
    assert [row[0] for row in asked("server", "cameras last seen")] == ["gate"]


def test_duplicates_are_found(databases: dict[str, apsw.Connection], asked: Asked) -> None:
    databases["server"].execute("INSERT INTO face_detections (message_id) VALUES ('h1'), ('h1')")
    ((message_id, count, tables),) = asked("server", "duplicates check")
    assert (message_id, count) == ("h1", 3)
    assert sorted(tables.split(",")) == ["face_detections", "face_detections", "health_monitors"]
    databases["agent"].execute(
        "INSERT INTO face_results (frame_id, timestamp, message_id, sequence) "
        "VALUES ('f', 't', 'm1', 9)"
    )
    assert asked("agent", "duplicates check") == [("message_id m1", 2), ("sequence 9", 2)]


def test_documented_delete_leaves_balanced_books(
    databases: dict[str, apsw.Connection], asked: Asked
) -> None:
    """Rows that had not been sent count as evicted: nothing is gone in silence."""
    databases["agent"].execute("""
        INSERT INTO detection_results (frame_id, timestamp) VALUES
            ('old', '2020-01-01T00:00:00+07:00'), ('new', datetime('now'));
    """)
    before = asked("agent", "the books")[0]
    asked("agent", "delete detections older than 30 days")
    left = rows(databases["agent"], "SELECT frame_id FROM detection_results WHERE frame_id = 'old'")
    assert left == []
    after = asked("agent", "the books")[0]
    assert after[3] == before[3]
    assert after[7] > before[7]
    assert after[8] == 0
