"""What the server has had long enough goes, with its picture and its disk space; nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw

from agent.outbox.retention import prune
from agent.outbox.store import Outbox
from agent.outbox.waiting import Reading
from tests.agent.outbox.ends import asked, assert_books_balance, opened, settle, upkeep
from tests.agent.outbox.sightings import plate

LONG_AGO = (datetime.now(UTC) - timedelta(days=40)).isoformat()


def sent_long_ago(outbox: Outbox, table: str = "detection_results") -> None:
    with outbox.writing() as connection:
        connection.execute(
            f"UPDATE {table} SET sent_timestamp = ?, timestamp = ? WHERE sent_to_server = 1",  # noqa: S608 - our own names
            (LONG_AGO, LONG_AGO),
        )


def test_rows_acknowledged_long_ago_go_and_no_others(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        pictures = [str(outbox.record_plate(plate(seed=seed + 1)).picture) for seed in range(10)]
        settle(outbox, acknowledged=3)
        sent_long_ago(outbox)
        settle(outbox, acknowledged=2, refused=2)  # just now; three wait
        keeper = upkeep(outbox)
        keeper.measure()
        before = outbox.counts()
        pruned = keeper.prune(keep_days=30)
        assert pruned.rows == 3
        assert pruned.picture_bytes > 0
        left = asked(outbox.path, "SELECT lp_image_filename FROM detection_results ORDER BY id")
        assert [name for (name,) in left] == pictures[3:]
        assert asked(outbox.path, "SELECT count(*) FROM camera_metadata") == [(7,)]
        assert sorted(path.name for path in outbox.spool.folder.glob("*.jpg")) == sorted(
            pictures[3:]
        )
        assert outbox.spool.size_bytes == keeper.measure()
        assert outbox.counts() == before  # what was acknowledged stays counted
        assert_books_balance(outbox)
        assert keeper.prune(keep_days=30).rows == 0


def test_name_that_is_no_files_name_does_not_keep_the_rows(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        for seed in (1, 2, 3):
            outbox.record_plate(plate(seed=seed))
        settle(outbox, acknowledged=3)
        sent_long_ago(outbox)
        with outbox.writing() as connection:
            connection.execute(
                "UPDATE detection_results SET lp_image_filename = "
                "CASE id WHEN 1 THEN 'a' || char(0) || '.jpg' WHEN 2 THEN '..' ELSE '/' END"
            )
        assert upkeep(outbox).prune(keep_days=30).rows == 3
        assert outbox.spool.folder.is_dir()


class _Resent:
    """A database whose acknowledged rows another program queues again after the first look."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    @contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        with self._outbox.writing() as connection:
            yield connection
        with self._outbox.writing() as connection:
            connection.execute("UPDATE detection_results SET sent_to_server = 0")


def test_row_that_is_queued_again_meanwhile_keeps_its_picture(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        picture = str(outbox.record_plate(plate()).picture)
        settle(outbox, acknowledged=1)
        sent_long_ago(outbox)
        now = datetime.now(UTC)
        pruned = prune(
            _Resent(outbox),
            outbox.spool,
            before=now - timedelta(days=30),
            reading=Reading(zone=None, now=now),
        )
        assert pruned.rows == 0
        assert asked(outbox.path, "SELECT sent_to_server FROM detection_results") == [(0,)]
        assert asked(outbox.path, "SELECT count(*) FROM camera_metadata") == [(1,)]
        assert (outbox.spool.folder / picture).is_file()


def test_row_that_waited_long_and_was_just_acknowledged_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.record_plate(plate())
        with outbox.writing() as connection:
            connection.execute("UPDATE detection_results SET timestamp = ?", (LONG_AGO,))
        settle(outbox, acknowledged=1)
        assert upkeep(outbox).prune(keep_days=30).rows == 0


def test_rows_behind_many_that_wait_are_found(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        with outbox.writing() as connection:
            connection.execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
                "INSERT INTO health_checks (timestamp, component, status, sent_to_server, "
                "sent_timestamp) SELECT ?1, 'disk', 'PASS', i > 1200, ?1 FROM n",
                (LONG_AGO,),
            )
        assert upkeep(outbox).prune(keep_days=30).rows == 800
        flags = asked(outbox.path, "SELECT sent_to_server, count(*) FROM health_checks GROUP BY 1")
        assert flags == [(0, 1200)]


def test_rows_behind_many_of_a_clock_that_was_years_ahead_are_found(tmp_path: Path) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=4000)).isoformat()
    with opened(tmp_path) as outbox:
        with outbox.writing() as connection:
            connection.execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
                "INSERT INTO health_checks (timestamp, component, status, sent_to_server, "
                "sent_timestamp) SELECT iif(i > 1200, ?1, ?2), 'disk', 'PASS', 1, "
                "iif(i > 1200, ?1, ?2) FROM n",
                (LONG_AGO, ahead),
            )
        assert upkeep(outbox).prune(keep_days=30).rows == 800


def test_disk_is_freed_of_a_new_database_and_of_an_adopted_one(tmp_path: Path) -> None:
    for name in ("new", "adopted"):
        folder = tmp_path / name
        folder.mkdir()
        database = folder / "lpr_data.db"
        if name == "adopted":
            tool = apsw.Connection(str(database))
            tool.execute(
                "CREATE TABLE health_checks (id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL, "
                "component TEXT NOT NULL, status TEXT NOT NULL, message TEXT, "
                "sent_to_server INTEGER DEFAULT 0, sent_timestamp TEXT)"
            )
            tool.close()
        with opened(folder) as outbox, outbox.writing() as connection:
            connection.execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                "WHERE i < 5000) INSERT INTO health_checks (timestamp, component, status, "
                "message, sent_to_server, sent_timestamp) "
                "SELECT ?1, 'disk', 'PASS', hex(zeroblob(500)), 1, ?1 FROM n",
                (LONG_AGO,),
            )
            # the books hold what was inserted as waiting only; this was not
        large = database.stat().st_size
        with opened(folder) as outbox:
            assert upkeep(outbox).prune(keep_days=30).rows == 5000
        assert database.stat().st_size < large / 10, name


def test_frame_shared_by_a_waiting_row_keeps_its_picture(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        captured = tmp_path / "captured"
        captured.mkdir(exist_ok=True)
        (captured / "frame_1.jpg").write_bytes(b"\xff\xd8\xff")
        tool = apsw.Connection(str(outbox.path))
        tool.execute(
            "INSERT INTO camera_metadata (frame_id, timestamp, image_filename) "
            "VALUES ('f1', ?1, 'frame_1.jpg')",
            (LONG_AGO,),
        )
        tool.execute(
            "INSERT INTO detection_results (frame_id, timestamp, sent_to_server, sent_timestamp) "
            "VALUES ('f1', ?1, 1, ?1), ('f1', ?1, 0, NULL)",
            (LONG_AGO,),
        )
        tool.close()
        assert upkeep(outbox).prune(keep_days=30).rows == 1
        assert (captured / "frame_1.jpg").exists()
        assert asked(outbox.path, "SELECT count(*) FROM camera_metadata") == [(1,)]
        with outbox.writing() as connection:
            connection.execute(
                "UPDATE detection_results SET sent_to_server = 1, sent_timestamp=?", (LONG_AGO,)
            )
        assert upkeep(outbox).prune(keep_days=30).rows == 1
        assert not (captured / "frame_1.jpg").exists()
        assert asked(outbox.path, "SELECT count(*) FROM camera_metadata") == [(0,)]
