"""Beyond the quota pictures go, the least dear first: marked, counted, named, and for good."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from agent.outbox.spool import OLD_ENOUGH_S
from agent.outbox.store import Outbox
from tests.agent.outbox.ends import asked, assert_books_balance, opened, settle, upkeep, waiting
from tests.agent.outbox.sightings import face, plate
from tests.agent.outbox.test_crash import age
from wire.rows import EvictionRow, LprRow, Table

EVICTIONS = (
    "SELECT kind, reason, evicted_table, count, first_sequence, last_sequence, size_bytes "
    "FROM evictions ORDER BY id"
)
STATUS = "SELECT image_status FROM detection_results ORDER BY id"


def recorded(outbox: Outbox, count: int) -> list[Path]:
    """That many plates; the pictures' paths."""
    names = [outbox.record_plate(plate(seed=seed + 1)).picture for seed in range(count)]
    return [outbox.spool.folder / str(name) for name in names]


def test_acknowledged_pictures_go_first_oldest_first(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        pictures = recorded(outbox, 10)
        settle(outbox, acknowledged=6)
        size = pictures[0].stat().st_size
        total = sum(path.stat().st_size for path in pictures)
        keeper = upkeep(outbox, quota_bytes=int(total - 2.2 * size))
        assert keeper.measure() == total
        freed = keeper.keep_within_limits()
        assert outbox.spool.size_bytes == total - freed == keeper.measure()
        gone = [not path.exists() for path in pictures]
        assert gone == [True] * 3 + [False] * 7
        ((kind, reason, table, count, first, last, bytes_),) = asked(outbox.path, EVICTIONS)
        assert (kind, reason, table) == ("picture", "quota", "lpr_detection")
        assert (count, first, last, bytes_) == (3, 1, 3, freed)
        assert keeper.keep_within_limits() == 0
        assert_books_balance(outbox)


def test_waiting_rows_go_without_their_pictures_when_nothing_else_is_left(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        recorded(outbox, 4)
        outbox.record_face(face(seed=9))
        settle(outbox, acknowledged=1, refused=1)
        keeper = upkeep(outbox, quota_bytes=1)
        keeper.measure()
        keeper.keep_within_limits()
        assert list((tmp_path / "captured").glob("*.jpg")) == []
        said = [(row[2], row[3], row[4], row[5]) for row in asked(outbox.path, EVICTIONS)]
        assert said == [
            ("lpr_detection", 1, 1, 1),
            ("lpr_detection", 1, 2, 2),
            ("lpr_detection", 2, 3, 4),
            ("face_detection", 1, 5, 5),
        ]
        rows = waiting(outbox)
        assert len(rows) == 2
        for row in rows:
            assert isinstance(row.row, LprRow)
            assert row.row.data.image_status == "evicted"
            assert row.pictures == ()
        reports = waiting(outbox, Table.EVICTION)
        assert len(reports) == 4
        assert all(isinstance(row.row, EvictionRow) for row in reports)
        assert outbox.counts().evicted == 0  # no row went
        assert_books_balance(outbox)


def test_below_the_floor_of_free_space_pictures_go_and_say_so(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        recorded(outbox, 3)
        keeper = upkeep(outbox, floor_bytes=2**60)
        keeper.measure()
        assert keeper.keep_within_limits() > 0
        assert [row[1] for row in asked(outbox.path, EVICTIONS)] == ["free_space"]
        assert keeper.keep_within_limits() == 0  # nothing is left, and that is no error


def test_without_limits_nothing_goes(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        recorded(outbox, 3)
        keeper = upkeep(outbox)
        keeper.measure()
        assert keeper.keep_within_limits() == 0
        assert asked(outbox.path, EVICTIONS) == []


def test_running_total_is_right_without_looking(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        keeper = upkeep(outbox)
        keeper.measure()
        recorded(outbox, 5)
        noted = outbox.spool.size_bytes
        assert noted == keeper.measure() > 0


def test_marked_picture_whose_removal_a_crash_prevented_is_swept(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        (picture,) = recorded(outbox, 1)
        with outbox.writing() as connection:
            connection.execute("UPDATE detection_results SET image_status = 'evicted'")
        age(outbox.spool.folder, OLD_ENOUGH_S + 60)
        assert outbox.sweep() == 1
        assert not picture.exists()


def test_files_that_no_row_names_are_neither_counted_nor_touched(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        recorded(outbox, 1)
        strange = tmp_path / "captured" / "holiday.jpg"
        strange.write_bytes(b"x" * 100_000)
        keeper = upkeep(outbox, quota_bytes=50_000)
        assert keeper.measure() < 50_000
        assert keeper.keep_within_limits() == 0
        assert strange.exists()


def test_pictures_of_an_older_camera_are_the_oldest_and_go_with_all_rows_of_their_frame(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as outbox:
        captured = tmp_path / "captured"
        captured.mkdir(exist_ok=True)
        (captured / "frame_1.jpg").write_bytes(b"\xff\xd8\xff" + b"x" * 50_000)
        (captured / "plate_1.jpg").write_bytes(b"\xff\xd8\xff" + b"x" * 10_000)
        tool = apsw.Connection(str(outbox.path))
        tool.execute(
            "INSERT INTO camera_metadata (frame_id, timestamp, image_filename) "
            "VALUES ('f1', '2024-01-01T00:00:00', 'captured_images/frame_1.jpg');"
            "INSERT INTO detection_results (frame_id, lp_image_filename, sent_to_server) VALUES "
            "('f1', 'plate_1.jpg', 1), ('f1', 'plate_1.jpg', 1)"
        )
        tool.close()
        pictures = recorded(outbox, 2)
        settle(outbox, acknowledged=2)
        ours = sum(path.stat().st_size for path in pictures)
        keeper = upkeep(outbox, quota_bytes=ours + 30_000)
        assert keeper.measure() == ours + 60_006
        keeper.keep_within_limits()
        assert not (captured / "frame_1.jpg").exists()
        assert not (captured / "plate_1.jpg").exists()
        assert all(path.exists() for path in pictures)
        assert asked(outbox.path, STATUS) == [("evicted",)] * 2 + [("present",)] * 2


@pytest.mark.parametrize("pages", [10, 40])
def test_full_database_gives_up_rows_only_when_no_picture_is_left(
    tmp_path: Path, pages: int
) -> None:
    """`max_page_count` makes SQLITE_FULL; the real disk is in test_full_disk."""
    with opened(tmp_path) as outbox:
        keeper = upkeep(outbox)
        outbox.on_full(keeper.make_room)
        for number in range(20):
            outbox.record_health(component="disk", status="PASS", message=str(number))
        with outbox.writing() as connection:
            used = int(connection.pragma("page_count") or 0)
        (ours,) = (each for each in apsw.connections() if each.filename == str(outbox.path))
        ours.pragma("max_page_count", used + pages)
        rows = 300
        for seed in range(rows):
            outbox.record_plate(plate(f"P{seed}", seed=seed % 50 + 1, width=32))
        counts = outbox.counts()
        assert counts.captured >= rows + 20
        assert_books_balance(outbox)
        kinds = {(row[0], row[2]) for row in asked(outbox.path, EVICTIONS)}
        assert ("picture", "lpr_detection") in kinds
        assert ("row", "health_monitor") in kinds
        given_up = asked(outbox.path, "SELECT sum(count) FROM evictions WHERE kind = 'row'")
        assert given_up == [(counts.evicted,)]
        newest = asked(
            outbox.path, "SELECT max(license_plate_text = 'P299') FROM detection_results"
        )
        assert newest == [(1,)]
