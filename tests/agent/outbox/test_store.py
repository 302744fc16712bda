"""What is recorded is durable, complete, numbered without gaps, and counted."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import apsw
import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.delivery import OutboxCounts, RowKey, RowRefused, Settlement
from agent.errors import OutboxClosed, RecordingFailed
from agent.outbox.books import SQL_TABLES
from agent.outbox.database import LOG_BYTES
from agent.outbox.spool import PictureFormat
from agent.outbox.store import Outbox
from agent.outbox.waiting import SELECTS
from tests.agent.outbox.sightings import face, picture, plate
from wire.limits import JSON_BYTES
from wire.message_id import is_message_id
from wire.rows import FaceRow, LprRow, Table

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def opened(folder: Path) -> Outbox:
    zone = timezone(timedelta(hours=7))
    return Outbox.open(folder / "lpr_data.db", folder / "captured", "cam-1", zone=zone)


def one(folder: Path, sql: str) -> tuple[object, ...]:
    reader = apsw.Connection(str(folder / "lpr_data.db"))
    (row,) = reader.execute(sql).fetchall()
    reader.close()
    return tuple(row)


def test_plate_has_all_that_an_older_sender_looks_for(folder: Path) -> None:
    with opened(folder) as outbox:
        recorded = outbox.record(plate("1กก 1234"))
    joined = one(
        folder,
        "SELECT d.license_plate_text, d.lp_confidence, d.lp_box_x, d.lp_box_y, d.lp_box_w, "
        "d.lp_box_h, d.lp_image_filename, d.sent_to_server, m.timestamp, m.exposure_time, "
        "m.image_filename, d.timestamp FROM detection_results d JOIN camera_metadata m "
        "ON m.frame_id = d.frame_id",
    )
    assert joined[:6] == ("1กก 1234", 0.93, 10, 20, 100, 30)
    assert joined[6] == joined[10] == recorded.picture
    assert joined[7] == 0
    assert joined[8] == joined[11] == "2026-03-04T19:00:01.123+07:00"
    assert joined[9] == 0.033
    assert (folder / "captured" / str(joined[6])).is_file()


def test_row_carries_identity_evidence_and_the_state_of_the_clock(folder: Path) -> None:
    with opened(folder) as outbox:
        recorded = outbox.record_plate(plate())
    message_id, sequence, evidence, clock_state, boot_id, boot_time_s = one(
        folder,
        "SELECT message_id, sequence, evidence, clock_state, boot_id, boot_time_s "
        "FROM detection_results",
    )
    assert (message_id, sequence) == (recorded.message_id, 1)
    assert is_message_id(str(message_id))
    said = msgspec.json.decode(str(evidence))
    assert said["model"] == "test-1"
    assert said["frame_size"] == [320, 240]
    assert said["first_seen"].startswith("2026-03-04T12:00:00.123")
    assert clock_state in ("synchronised", "unsynchronised")
    assert isinstance(boot_id, str)
    assert isinstance(boot_time_s, float)


def test_evidence_too_large_for_the_wire_does_not_lose_the_sighting(folder: Path) -> None:
    sighting = plate()
    sighting.evidence["readings"] = ["x" * 100] * 1000
    with opened(folder) as outbox:
        outbox.record_plate(sighting)
    (evidence,) = one(folder, "SELECT evidence FROM detection_results")
    assert len(str(evidence)) < JSON_BYTES
    assert msgspec.json.decode(str(evidence))["left_out_bytes"] > 100_000


@pytest.mark.parametrize("vehicle_type", ["lorry", None])
def test_plate_goes_out_with_the_vehicle_that_carries_it(
    folder: Path, vehicle_type: str | None
) -> None:
    with opened(folder) as outbox:
        outbox.record(replace(plate(), vehicle_type=vehicle_type))
        store = outbox.sending()
        (row,) = store.waiting(Table.LPR_DETECTION, after_id=0, up_to_id=None, limit=5)
        store.close()
    assert isinstance(row.row, LprRow)
    assert row.row.data.vehicle_type == (vehicle_type or "")
    assert row.row.data.region == "eu"


def test_face_comes_out_as_it_went_in(folder: Path) -> None:
    with opened(folder) as outbox:
        outbox.record(face())
        store = outbox.sending()
        (row,) = store.waiting(Table.FACE_DETECTION, after_id=0, up_to_id=None, limit=5)
        store.close()
    assert isinstance(row.row, FaceRow)
    data = row.row.data
    assert data.box == (1, 2, 40, 60)
    assert data.landmarks is not None
    assert data.landmarks[1] == (30.5, 6.0)
    assert data.embedding == np.array([0.6, 0.8], dtype="<f4").tobytes()
    assert (data.confidence, data.quality) == (80.0, 0.7)


@pytest.mark.parametrize(
    ("size", "expected"), [((1920, 1080), (640, 360)), ((200, 1000), (96, 480)), ((320, 240), None)]
)
def test_picture_is_scaled_down_to_fit_and_never_up(
    folder: Path, size: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    with opened(folder) as outbox:
        stored = outbox.spool.store(picture(*size), message_id="0" * 32, at=datetime.now(UTC))
    content = cv2.imread(str(folder / "captured" / stored.name))
    assert content is not None
    height, width = content.shape[:2]
    assert (width, height) == (expected or size)


def test_quality_is_configurable(folder: Path) -> None:
    sizes = []
    for quality in (30, 90):
        chosen = PictureFormat(jpeg_quality=quality)
        path = folder / f"{quality}.db"
        with Outbox.open(path, folder / str(quality), "cam-1", picture_format=chosen) as outbox:
            outbox.record_plate(plate())
        (stored,) = (folder / str(quality)).glob("*.jpg")
        sizes.append(stored.stat().st_size)
    assert sizes[0] < sizes[1] / 2


def test_pictures_sort_by_time_and_never_collide(folder: Path) -> None:
    with opened(folder) as outbox:
        names = [outbox.record_plate(plate(seed=seed)).picture for seed in (3, 3, 1, 2)]
    assert len(set(names)) == 4
    assert [str(name)[:15] for name in sorted(map(str, names))] == [
        "20260304T120001",
        "20260304T120002",
        "20260304T120003",
        "20260304T120003",
    ]


def test_sighting_is_kept_when_its_picture_cannot_be_written(folder: Path) -> None:
    (folder / "captured").write_text("a file where the folder should be")
    with opened(folder) as outbox:
        recorded = outbox.record_plate(plate())
        assert recorded.picture is None
        assert outbox.counts().waiting == 1
    assert one(folder, "SELECT image_status FROM detection_results") == ("missing",)


def test_row_that_cannot_be_written_leaves_nothing_behind(folder: Path) -> None:
    with opened(folder) as outbox:
        outbox.record_plate(plate())
        blocker = apsw.Connection(str(outbox.path))
        blocker.execute(
            "CREATE TRIGGER full BEFORE INSERT ON detection_results "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
        with pytest.raises(RecordingFailed, match="disk"):
            outbox.record_plate(plate())
        assert len(list((folder / "captured").glob("*.jpg"))) == 1
        blocker.execute("DROP TRIGGER full")
        blocker.close()
        assert outbox.record_plate(plate()).sequence == 2


def test_listeners_hear_each_commit_until_they_leave(folder: Path) -> None:
    heard: list[int] = []
    with opened(folder) as outbox:
        leave = outbox.on_commit(lambda: heard.append(1))
        outbox.record_health(component="c", status="PASS", message="m")
        leave()
        outbox.record_health(component="c", status="PASS", message="m")
    assert heard == [1]


def test_closed_outbox_says_so(folder: Path) -> None:
    outbox = opened(folder)
    outbox.close()
    outbox.close()
    with pytest.raises(OutboxClosed):
        outbox.record_health(component="c", status="PASS", message="m")


def test_threads_share_one_outbox(folder: Path) -> None:
    with opened(folder) as outbox:
        threads = [
            threading.Thread(
                target=lambda: [
                    outbox.record_health(component="c", status="PASS", message="m")
                    for _ in range(20)
                ]
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outbox.counts().waiting == 80
    assert one(folder, "SELECT count(DISTINCT sequence), max(sequence) FROM health_checks") == (
        80,
        80,
    )


WRITER = """
import sys
from pathlib import Path
from agent.outbox.store import Outbox
from agent.outbox.waiting import SELECTS

folder = Path(sys.argv[1])
with Outbox.open(folder / "lpr_data.db", folder / "captured", "cam-1") as outbox:
    for number in range(60):
        outbox.record_health(component=sys.argv[2], status="PASS", message=str(number))
"""


def test_two_processes_number_without_gaps(folder: Path) -> None:
    opened(folder).close()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name], cwd=ROOT)
        for name in ("one", "two")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    reader = apsw.Connection(str(folder / "lpr_data.db"))
    numbers = [row[0] for row in reader.execute("SELECT sequence FROM health_checks ORDER BY id")]
    assert numbers == list(range(1, 121))
    assert reader.execute("SELECT last_sequence FROM store").get == 120
    reader.close()


@pytest.mark.parametrize("table", list(Table))
def test_waiting_rows_are_found_without_a_look_at_those_sent(folder: Path, table: Table) -> None:
    """Counts steps of SQLite's virtual machine, not seconds: 10 or 5,000 sent rows are the same."""
    opened(folder).close()
    connection = apsw.Connection(str(folder / "lpr_data.db"))
    steps = [steps_to_find(connection, table, sent=sent) for sent in (10, 5_000)]
    connection.close()
    assert steps[0] == steps[1]


def steps_to_find(connection: apsw.Connection, table: Table, *, sent: int) -> int:
    name = SQL_TABLES[table]
    needed = [
        str(column)
        for _, column, _, not_null, default, is_key in connection.execute(
            "SELECT * FROM pragma_table_info(?)", (name,)
        )
        if not_null and default is None and not is_key
    ]
    values = ["picture" if column == "kind" else "1" for column in needed]
    connection.execute(
        f"WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {sent}) "  # noqa: S608
        f"INSERT INTO {name} ({', '.join([*needed, 'sent_to_server'])}) "
        f"SELECT {', '.join(repr(value) for value in values)}, 1 FROM n"
    )
    counted = [0]

    def count() -> bool:
        counted[0] += 1
        return False

    statement = connection.execute(SELECTS[table], (0, 2**63 - 1, 1))  # prepared, not counted
    statement.close()
    connection.set_progress_handler(count, 1)
    connection.execute(SELECTS[table], (0, 2**63 - 1, 1)).fetchall()
    connection.set_progress_handler(None)
    return counted[0]


def test_log_that_a_senders_flags_filled_is_moved_into_the_database(folder: Path) -> None:
    with opened(folder) as outbox:
        flags = outbox.sending()
        for _ in range(30):
            outbox.record_health(component="c", status="PASS", message="x" * 4000)
        writer = apsw.Connection(str(outbox.path))
        writer.wal_autocheckpoint(0)
        log_file = folder / "lpr_data.db-wal"
        while log_file.stat().st_size < LOG_BYTES:
            writer.execute("UPDATE health_checks SET message = message || 'y'")
        writer.close()
        outbox.checkpoint()
        flags.close()
        alone = folder / "without_log.db"
        alone.write_bytes(outbox.path.read_bytes())
    reader = apsw.Connection(str(alone))
    assert reader.execute("SELECT count(*) FROM health_checks WHERE message LIKE '%y'").get == 30
    reader.close()


ACTIONS = st.lists(
    st.sampled_from(["record", "acknowledge", "refuse", "retry", "delete", "resend"]), max_size=25
)


@settings(deadline=None, max_examples=25)
@given(ACTIONS, st.randoms(use_true_random=False))
def test_the_books_always_balance(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str], random: object
) -> None:
    folder = tmp_path_factory.mktemp("books")
    with opened(folder) as outbox:
        store = outbox.sending()
        tool = apsw.Connection(str(outbox.path))
        tool.set_busy_timeout(5000)
        for action in actions:
            newest = tool.execute("SELECT coalesce(max(id), 0) FROM health_checks").get
            key = RowKey(Table.HEALTH_MONITOR, max(1, newest - 1))
            if action == "record":
                outbox.record_health(component="c", status="PASS", message="m")
            elif action == "acknowledge":
                store.settle(Settlement(acknowledged=[key]))
            elif action == "refuse":
                store.settle(Settlement(refused=[RowRefused(key=key, error="no")]))
            elif action == "retry":
                outbox.retry_refused()
            elif action == "delete":
                tool.execute("DELETE FROM health_checks WHERE id = ?", (key.row_id,))
            else:
                tool.execute("UPDATE health_checks SET sent_to_server = 0 WHERE id = 1")
            check_books(outbox.counts(), tool)
        tool.close()
        store.close()


def check_books(counts: OutboxCounts, reader: apsw.Connection) -> None:
    parts = counts.waiting + counts.acknowledged + counts.refused + counts.evicted
    assert counts.captured == parts
    flagged = "SELECT count(*) FROM health_checks WHERE sent_to_server = ?"
    assert counts.waiting == reader.execute(flagged, (0,)).get
    assert counts.refused == reader.execute(flagged, (2,)).get
    assert min(parts, counts.waiting, counts.acknowledged, counts.refused, counts.evicted) >= 0
