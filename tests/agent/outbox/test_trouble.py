"""A disk that fails or is read-only: a sentence that says what to do, and on again after it."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from agent.errors import DatabaseUnusable, OutboxError, RecordingFailed
from agent.outbox.retention import Pruned
from tests.agent.outbox.ends import asked, assert_books_balance, opened, settle, upkeep
from tests.agent.outbox.sightings import plate
from tests.agent.outbox.small_disk import remount, small_disk
from tests.fakes.failing_disk import failing_disk


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (apsw.IOError, "the disk fails: see dmesg"),
        (apsw.ReadOnlyError, "the file system is read-only"),
        (apsw.FullError, "the disk is full"),
    ],
)
def test_failing_disk_is_told_and_works_again(
    tmp_path: Path, error: type[apsw.Error], advice: str
) -> None:
    with failing_disk() as disk, opened(tmp_path) as outbox:
        kept = outbox.record_plate(plate("BEFORE", width=32))
        disk.error = error
        with pytest.raises(RecordingFailed, match=advice):
            outbox.record_plate(plate("DURING", seed=2, width=32))
        disk.error = None
        after = outbox.record_plate(plate("AFTER", seed=3, width=32))
        assert after.sequence == kept.sequence + 1
        assert not outbox.is_suspect
        assert_books_balance(outbox)
        rows = asked(outbox.path, "SELECT license_plate_text FROM detection_results ORDER BY id")
        assert rows == [("BEFORE",), ("AFTER",)]
        names = {path.name for path in outbox.spool.folder.glob("*.jpg")}
        assert names == {kept.picture, after.picture}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_upkeep_on_a_failing_disk_gives_up_nothing_and_says_why(tmp_path: Path) -> None:
    with failing_disk() as disk, opened(tmp_path) as outbox:
        pictures = [outbox.record_plate(plate(seed=n + 1, width=32)).picture for n in range(3)]
        settle(outbox, acknowledged=3)
        keeper = upkeep(outbox, quota_bytes=1)
        keeper.measure()
        disk.error = apsw.IOError
        with pytest.raises(OutboxError, match="the disk fails"):
            keeper.keep_within_limits()
        with pytest.raises(OutboxError, match="the disk fails"):
            keeper.prune(keep_days=0)
        assert all((outbox.spool.folder / str(name)).exists() for name in pictures)
        disk.error = None
        assert keeper.keep_within_limits() > 0
        assert keeper.prune(keep_days=0) == Pruned(rows=3)


def test_database_on_a_read_only_file_system_is_refused_with_advice(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as folder:
        with opened(folder) as outbox:
            outbox.record_plate(plate(width=32))
        remount(folder, "ro")
        with pytest.raises(DatabaseUnusable, match=r"read-only|cannot be opened"):
            opened(folder)
        remount(folder, "rw")
        with opened(folder) as outbox:
            assert outbox.record_plate(plate(seed=2, width=32)).sequence == 2
