"""The power fails at every write and sync of group commits: what was acknowledged is there."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from server.storage.adoption import prepare_database
from server.storage.pictures import PictureArchive, day_of
from server.storage.protocol import Stored
from server.storage.sqlite import SqliteStore
from tests.fakes.power_cut import Deed, Disk, Fate, Tape, folder_after, taped
from tests.server.cameras import jpeg
from tests.server.conftest import connections_to
from tests.server.rows import accepted_health, accepted_plate, hello_of
from wire.accepted import AcceptedRow

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CHECKPOINT_PAGES = 30
"""Small, so that the run goes through several checkpoints and the WAL begins anew."""

# A small group, one with pictures, one with a repeated row, again pictures.
GROUPS: list[list[AcceptedRow]] = [
    [accepted_plate(1, image=jpeg(10)), accepted_health(2)],
    [accepted_plate(3, image=jpeg(20)), accepted_plate(4, image=jpeg(30))],
    [accepted_health(2), accepted_health(5, message="x" * 4000)],
    [accepted_plate(6, image=jpeg(40, (320, 240)))],
]


def prepare(folder: Path) -> Path:
    path = folder / "server.db"
    prepare_database(path, zone_of=lambda _: UTC, now=NOW)
    return path


async def commit_all(folder: Path, tape: Tape) -> None:
    path = prepare(folder)
    store = SqliteStore(path, folder / "pictures")
    for connection in connections_to(path):
        if connection.pragma("wal_autocheckpoint") and not connection.readonly("main"):
            connection.wal_autocheckpoint(CHECKPOINT_PAGES)
    await store.greet(hello_of(), NOW)
    for group in GROUPS:
        outcomes = await store.commit_group(group, NOW)
        for row, outcome in zip(group, outcomes, strict=True):
            assert isinstance(outcome, Stored)
            tape.note((row.id, outcome.record_id))
    await store.close()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("power") / "before"


@pytest.fixture(scope="module")
def tape(before: Path) -> Tape:
    before.mkdir()
    with taped() as recorded:
        asyncio.run(commit_all(before, recorded))
    return recorded


def rows_of(path: Path) -> dict[str, int]:
    """Record ids by message id, of a sound database where ledger and books agree with the rows."""
    reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        assert reader.pragma("integrity_check") == "ok"
        rows: list[tuple[Any, ...]] = reader.execute(
            "SELECT message_id, id FROM lpr_detections UNION ALL "
            "SELECT message_id, id FROM health_monitors"
        ).fetchall()
        ledger = reader.execute("SELECT hex(message_id), record_id FROM message_ledger").fetchall()
        assert {(row_id.replace("-", "").upper(), record) for row_id, record in rows} == set(ledger)
        assert len(rows) == len(ledger)
        stored = reader.execute("SELECT coalesce(sum(rows_stored), 0) FROM camera_epochs").get
        assert stored == len(rows)
        return {str(row_id): int(record) for row_id, record in rows}
    finally:
        reader.close()


def check_pictures(folder: Path) -> None:
    """Every picture that a row names is there and whole."""
    reader = apsw.Connection(str(folder / "server.db"), flags=apsw.SQLITE_OPEN_READONLY)
    named: list[tuple[Any, ...]] = reader.execute(
        "SELECT image_sha256 FROM lpr_detections WHERE image_status = 'present'"
    ).fetchall()
    reader.close()
    archive = PictureArchive(folder / "pictures", read_only=True)
    for (sha256,) in named:
        content = archive.read(sha256, day_of(NOW))
        assert content is not None
        assert hashlib.sha256(content).hexdigest() == sha256
    archive.close()


async def recommit(folder: Path) -> dict[str, tuple[int, bool]]:
    """What the cameras do after the cut: they send again whatever was not acknowledged to them."""
    store = SqliteStore(folder / "server.db", folder / "pictures")
    answers: dict[str, tuple[int, bool]] = {}
    for group in GROUPS:
        for row, outcome in zip(group, await store.commit_group(group, NOW), strict=True):
            assert isinstance(outcome, Stored)
            answers.setdefault(row.id, (outcome.record_id, outcome.is_duplicate))
    await store.close()
    return answers


def check_after(disk: Disk, folder: Path, recorded_in: Path) -> None:
    disk.put(folder, recorded_in=recorded_in)
    path = prepare(folder)
    held = rows_of(path)
    assert set(held.items()).issuperset(disk.notes), (disk.cut, disk.fate)
    check_pictures(folder)
    answers = asyncio.run(recommit(folder))
    assert {row_id for row_id, (_, duplicate) in answers.items() if duplicate} == set(held)
    assert rows_of(path) == {row_id: record for row_id, (record, _) in answers.items()}
    check_pictures(folder)


@pytest.mark.parametrize("fate", list(Fate))
def test_nothing_acknowledged_is_missing_after_a_cut_anywhere(
    tape: Tape, before: Path, fate: Fate
) -> None:
    cuts = 0
    with folder_after() as folder:
        for disk in tape.disks_after_cuts(fate, at=tape.telling_cuts()):
            cuts += 1
            check_after(disk, folder, before)
    assert cuts > 30
    assert len(tape.operations) > 200


def test_the_run_crosses_checkpoints(tape: Tape, before: Path) -> None:
    database = str(before / "server.db")
    synced = [each for each in tape.operations if (each.path, each.deed) == (database, Deed.SYNC)]
    assert len(synced) >= 3
