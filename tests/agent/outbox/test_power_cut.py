"""The power fails at every write and sync of recording and flagging: what was promised is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from agent.delivery import Settlement
from agent.outbox.store import Outbox
from tests.agent.outbox.sightings import plate
from tests.fakes.power_cut import Deed, Disk, Fate, Tape, folder_after, taped
from wire.rows import Table

ROWS = 8
CHECKPOINT_PAGES = 25
"""Small, so that the run goes through several checkpoints and the WAL begins anew."""


def run(folder: Path) -> Tape:
    """Records rows and flags those before; notes each id once it may be sent."""
    folder.mkdir()
    with taped() as tape:
        database = folder / "lpr_data.db"
        with Outbox.open(database, folder / "captured", "cam-1") as outbox:
            _checkpoint_often(database)
            sending = outbox.sending()
            for number in range(ROWS):
                recorded = outbox.record_plate(plate(seed=number + 1, width=32))
                tape.note((recorded.sequence, recorded.message_id))
                if number % 2:
                    waiting = sending.waiting(
                        Table.LPR_DETECTION, after_id=0, up_to_id=None, limit=100
                    )
                    sending.settle(Settlement(acknowledged=[row.key for row in waiting]))
                checked = outbox.record_health(component="disk", status="PASS", message=str(number))
                tape.note((checked.sequence, checked.message_id))
            sending.close()
    return tape


def _checkpoint_often(database: Path) -> None:
    (recording,) = (each for each in apsw.connections() if each.filename == str(database))
    recording.wal_autocheckpoint(CHECKPOINT_PAGES)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("power") / "before"


@pytest.fixture(scope="module")
def tape(before: Path) -> Tape:
    return run(before)


def held_after(disk: Disk, folder: Path, recorded_in: Path) -> list[tuple[int, str, int]]:
    """Sequence, id and flag of what our own program finds; the database must be sound."""
    disk.put(folder, recorded_in=recorded_in)
    database = folder / "lpr_data.db"
    with Outbox.open(database, folder / "captured", "cam-1") as outbox:
        reader = apsw.Connection(str(database))
        rows: list[tuple[Any, ...]] = reader.execute(
            "SELECT sequence, message_id, sent_to_server FROM detection_results UNION ALL "
            "SELECT sequence, message_id, sent_to_server FROM health_checks ORDER BY 1"
        ).fetchall()
        assert reader.pragma("integrity_check") == "ok"
        reader.close()
        counts = outbox.counts()
        flags = [flag for _, _, flag in rows]
        assert counts.captured == len(rows)
        assert (counts.waiting, counts.acknowledged) == (flags.count(0), flags.count(1))
        # What comes next must not take the number of a row that may be on the server already.
        following = outbox.record_health(
            component="disk", status="PASS", message="after the cut"
        ).sequence
        assert following == len(rows) + 1
    return [(int(sequence), str(message_id), int(flag)) for sequence, message_id, flag in rows]


@pytest.mark.parametrize("fate", list(Fate))
def test_no_committed_row_is_missing_after_a_cut_anywhere(
    tape: Tape, before: Path, fate: Fate
) -> None:
    cuts = 0
    with folder_after() as folder:
        for disk in tape.disks_after_cuts(fate, at=tape.telling_cuts()):
            cuts += 1
            rows = held_after(disk, folder, before)
            held = {(sequence, message_id) for sequence, message_id, _ in rows}
            assert held.issuperset(disk.notes), (disk.cut, disk.fate)
            assert [sequence for sequence, _, _ in rows] == list(range(1, len(rows) + 1))
    assert cuts > 30
    assert len(tape.operations) > 200


def test_the_run_crosses_checkpoints(tape: Tape, before: Path) -> None:
    database = str(before / "lpr_data.db")
    synced = [each for each in tape.operations if (each.path, each.deed) == (database, Deed.SYNC)]
    assert len(synced) >= 3


def test_names_given_to_rows_of_older_tools_are_sure_before_they_are_sent(tmp_path: Path) -> None:
    """A power cut that took back an id which the server has would make a second row."""
    before = tmp_path / "before"
    before.mkdir()
    with taped() as tape, Outbox.open(before / "lpr_data.db", before / "captured", "cam-1") as box:
        tool = apsw.Connection(str(box.path))
        tool.execute("INSERT INTO detection_results (frame_id) VALUES ('x'), ('y')")
        tool.close()
        sending = box.sending()
        rows = sending.waiting(Table.LPR_DETECTION, after_id=0, up_to_id=None, limit=9)
        tape.note([(row.row.sequence, row.row.id) for row in rows])
        promised = len(tape.operations)
        sending.close()
    disk = next(disk for disk in tape.disks_after_cuts(Fate.LOST) if disk.cut >= promised)
    with folder_after() as folder:
        held = held_after(disk, folder, before)
    assert [[(sequence, name) for sequence, name, _ in held]] == list(disk.notes)
