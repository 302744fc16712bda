"""The disk that forgets does forget, and SQLite keeps on it what SQLite promises (atomiccommit)."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from tests.fakes.power_cut import Disk, Fate, Tape, taped

ROWS = 6


def record(folder: Path, *, journal: str, synchronous: str) -> Tape:
    """Inserts rows, a transaction each, and notes each number after its commit."""
    folder.mkdir()
    with taped() as tape:
        connection = apsw.Connection(str(folder / "a.db"))
        connection.pragma("synchronous", synchronous)
        connection.pragma("journal_mode", journal)
        connection.wal_autocheckpoint(4)
        connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, text)")
        for number in range(ROWS):
            connection.execute("INSERT INTO numbers VALUES (?, ?)", (number, "x" * 3000))
            tape.note(number)
        connection.close()
    return tape


def missing(disk: Disk, tmp_path: Path) -> set[object]:
    """Numbers that were committed and are not there; the database must be sound."""
    disk.put(tmp_path / "after", recorded_in=tmp_path / "before")
    connection = apsw.Connection(str(tmp_path / "after" / "a.db"))
    try:
        assert connection.pragma("integrity_check") == "ok"
        has_table = connection.execute("SELECT count(*) FROM sqlite_schema").get
        held = connection.execute("SELECT number FROM numbers") if has_table else ()
        return set(disk.notes) - {number for (number,) in held}
    finally:
        connection.close()


@pytest.mark.parametrize(("journal", "synchronous"), [("wal", "FULL"), ("delete", "EXTRA")])
def test_safe_settings_lose_nothing_at_any_cut(
    tmp_path: Path, journal: str, synchronous: str
) -> None:
    tape = record(tmp_path / "before", journal=journal, synchronous=synchronous)
    for disk in tape.disks_after_cuts():
        assert not missing(disk, tmp_path), (disk.cut, disk.fate)


def test_synchronous_normal_in_wal_loses_commits_and_stays_sound(tmp_path: Path) -> None:
    tape = record(tmp_path / "before", journal="wal", synchronous="NORMAL")
    lost = [missing(disk, tmp_path) for disk in tape.disks_after_cuts(Fate.LOST)]
    assert any(lost)


def test_what_was_kept_is_what_the_real_files_hold(tmp_path: Path) -> None:
    tape = record(tmp_path / "before", journal="wal", synchronous="FULL")
    *_, last = tape.disks_after_cuts(Fate.KEPT)
    assert {Path(name).name: content for name, content in last.files.items()} == {
        path.name: path.read_bytes() for path in (tmp_path / "before").iterdir()
    }


def test_without_any_sync_nothing_is_sure(tmp_path: Path) -> None:
    tape = record(tmp_path / "before", journal="wal", synchronous="OFF")
    for disk in tape.disks_after_cuts(Fate.LOST):
        assert not any(disk.files.values())
