"""The power fails while pictures are written, given up and pruned: no row names one that is not
there, and the account of what was given up is whole."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import apsw
import pytest

from agent.outbox.eviction import give_up_rows
from agent.outbox.store import Outbox
from tests.agent.outbox.ends import assert_books_balance, settle, upkeep
from tests.agent.outbox.sightings import face, plate
from tests.fakes.power_cut import Deed, Disk, Fate, Tape, folder_after, taped
from tests.fakes.taped_files import files_taped

PLATES = 3


def run(folder: Path) -> Tape:
    """Records, gives up pictures beyond a quota, prunes, gives up rows; notes what is promised."""
    folder.mkdir()
    database, images = folder / "lpr_data.db", folder / "captured"
    with (
        taped() as tape,
        files_taped(tape, folder),
        Outbox.open(database, images, "cam-1") as outbox,
    ):
        for number in range(PLATES):
            recorded = outbox.record_plate(plate(seed=number + 1, width=32))
            tape.note(recorded.message_id)
        tape.note(outbox.record_face(face(seed=9)).message_id)
        settle(outbox, acknowledged=2)
        keeper = upkeep(outbox, quota_bytes=1_500)
        keeper.measure()
        assert keeper.keep_within_limits() > 0
        tape.note(outbox.record_plate(plate(seed=20, width=32)).message_id)
        keeper.prune(keep_days=-1.0)
        assert give_up_rows(outbox) > 0
    return tape


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("power") / "before"


@pytest.fixture(scope="module")
def tape(before: Path) -> Tape:
    return run(before)


def check(disk: Disk, folder: Path, recorded_in: Path) -> None:
    """What our own program finds after the cut holds together."""
    disk.put(folder, recorded_in=recorded_in)
    with Outbox.open(folder / "lpr_data.db", folder / "captured", "cam-1") as outbox:
        reader = apsw.Connection(str(outbox.path))
        assert reader.pragma("integrity_check") == "ok"
        assert_books_balance(outbox)
        _check_pictures(reader, outbox.spool.folder)
        _check_account(reader)
        counts = outbox.counts()
        sightings = counts.captured - reader.execute("SELECT count(*) FROM evictions").get
        assert sightings >= len(disk.notes), (disk.cut, disk.fate)
        for path in outbox.spool.folder.glob("*"):
            os.utime(path, (1.0, 1.0))
        outbox.sweep()
        _check_pictures(reader, outbox.spool.folder)
        shown = {name for name, _ in _shown(reader)}
        assert {path.name for path in outbox.spool.folder.glob("*.jpg")} == shown
        assert not list(outbox.spool.folder.glob(".*.partial"))
        reader.close()


def _shown(reader: apsw.Connection) -> list[tuple[str, str]]:
    return reader.execute(
        "SELECT lp_image_filename, image_sha256 FROM detection_results "
        "WHERE image_status = 'present' UNION ALL "
        "SELECT face_image_filename, image_sha256 FROM face_results WHERE image_status = 'present'"
    ).fetchall()


def _check_pictures(reader: apsw.Connection, folder: Path) -> None:
    for name, sha256 in _shown(reader):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256


def _check_account(reader: apsw.Connection) -> None:
    """Each picture that a row says was given up is accounted for, and each row that is gone."""
    counted = dict(
        reader.execute("SELECT kind, sum(count) FROM evictions GROUP BY kind").fetchall()
    )
    marked = reader.execute(
        "SELECT (SELECT count(*) FROM detection_results WHERE image_status = 'evicted') "
        "+ (SELECT count(*) FROM face_results WHERE image_status = 'evicted')"
    ).get
    assert marked <= counted.get("picture", 0)
    assert reader.execute("SELECT evicted FROM store").get == counted.get("row", 0)


@pytest.mark.parametrize("fate", list(Fate))
def test_rows_pictures_and_accounts_agree_after_a_cut_anywhere(
    tape: Tape, before: Path, fate: Fate
) -> None:
    cuts = 0
    with folder_after() as folder:
        for disk in tape.disks_after_cuts(fate, at=tape.telling_cuts()):
            cuts += 1
            check(disk, folder, before)
    assert cuts > 30
    assert len(tape.operations) > 150


def test_the_run_renames_syncs_and_removes_pictures(tape: Tape) -> None:
    deeds = [each.deed for each in tape.operations if "captured" in each.path]
    for deed in (Deed.CREATE, Deed.WRITE, Deed.SYNC, Deed.RENAME, Deed.SYNC_FOLDER, Deed.REMOVE):
        assert deed in deeds


def test_a_picture_that_is_named_before_it_is_synced_is_found_out(tmp_path: Path) -> None:
    """The tape tells a careful program from a careless one."""
    folder = tmp_path / "before"
    folder.mkdir()
    with taped() as tape, files_taped(tape, folder):
        handle = os.open(folder / ".a.partial", os.O_WRONLY | os.O_CREAT)
        os.write(handle, b"picture")
        os.close(handle)
        (folder / ".a.partial").rename(folder / "a.jpg")
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    *_, last = tape.disks_after_cuts(Fate.LOST)
    assert last.files == {str(folder / "a.jpg"): b""}
