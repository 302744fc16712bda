"""SIGKILL at every step between the picture and its row: nothing half, nothing left over."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from agent.outbox.spool import OLD_ENOUGH_S
from agent.outbox.store import Outbox
from tests.agent.outbox.sightings import plate

ROOT = Path(__file__).resolve().parents[3]

# Dies where the clock is asked: after the picture, before the row. Or where its commit is told.
RECORDER = """
import os, signal, sys
from pathlib import Path
from agent.clock import SystemClock
from agent.outbox.store import Outbox
from tests.agent.outbox.sightings import plate


class DeadlyClock(SystemClock):
    is_deadly = False

    def state(self):
        if self.is_deadly:
            die()
        return super().state()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


folder, step = Path(sys.argv[1]), sys.argv[2]
clock = DeadlyClock()
outbox = Outbox.open(folder / "lpr_data.db", folder / "captured", "cam-1", clock=clock)
outbox.record_plate(plate("KEPT"))
if step == "after commit":
    outbox.on_commit(die)
clock.is_deadly = step == "before row"
while True:
    outbox.record_plate(plate("CUT"))
    print("recorded", flush=True)
"""


def start(folder: Path, step: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", RECORDER, str(folder), step], cwd=ROOT, stdout=subprocess.PIPE
    )


def kill_at(folder: Path, step: str) -> None:
    with start(folder, step) as process:
        assert process.wait(timeout=300) == -signal.SIGKILL


def age(folder: Path, seconds: float) -> None:
    long_ago = (datetime.now(UTC) - timedelta(seconds=seconds)).timestamp()
    for path in folder.iterdir():
        os.utime(path, (long_ago, long_ago))


def test_killed_between_picture_and_row_leaves_an_orphan_that_is_swept(tmp_path: Path) -> None:
    kill_at(tmp_path, "before row")
    captured = tmp_path / "captured"
    assert len(list(captured.glob("[!.]*"))) == 2
    with Outbox.open(tmp_path / "lpr_data.db", captured, "cam-1") as outbox:
        assert outbox.counts().waiting == 1
        assert outbox.sweep() == 0  # too young: it may belong to a row being written
        age(captured, OLD_ENOUGH_S + 60)
        assert outbox.sweep() == 1
        assert outbox.sweep() == 0
        (kept,) = captured.glob("[!.]*")
        reader = apsw.Connection(str(outbox.path))
        names = reader.execute("SELECT lp_image_filename FROM detection_results").fetchall()
        reader.close()
        assert names == [(kept.name,)]
        assert outbox.record_plate(plate()).sequence == 2


def test_killed_after_the_commit_keeps_row_and_picture(tmp_path: Path) -> None:
    kill_at(tmp_path, "after commit")
    captured = tmp_path / "captured"
    with Outbox.open(tmp_path / "lpr_data.db", captured, "cam-1") as outbox:
        age(captured, OLD_ENOUGH_S + 60)
        assert outbox.sweep() == 0
        assert outbox.counts().waiting == 2
    assert len(list(captured.glob("[!.]*"))) == 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_any_moment_every_row_has_its_picture(tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    with start(tmp_path, "never") as process:
        assert process.stdout is not None
        for _ in range(source.randint(5, 20)):
            assert process.stdout.readline() == b"recorded\n"
        process.kill()
    captured = tmp_path / "captured"
    age(captured, OLD_ENOUGH_S + 60)
    with Outbox.open(tmp_path / "lpr_data.db", captured, "cam-1") as outbox:
        assert outbox.sweep() <= 1
        reader = apsw.Connection(str(outbox.path))
        rows = reader.execute(
            "SELECT d.lp_image_filename, d.sequence FROM detection_results AS d "
            "JOIN camera_metadata AS m USING (frame_id) ORDER BY d.id"
        ).fetchall()
        reader.close()
        assert outbox.counts().captured == len(rows)
    assert {name for name, _ in rows} == {path.name for path in captured.glob("[!.]*")}
    assert [sequence for _, sequence in rows] == list(range(1, len(rows) + 1))


def test_half_written_picture_is_swept(tmp_path: Path) -> None:
    captured = tmp_path / "captured"
    with Outbox.open(tmp_path / "lpr_data.db", captured, "cam-1") as outbox:
        recorded = outbox.record_plate(plate())
        (captured / f".{recorded.picture}.partial").write_bytes(b"half a pic")
        age(captured, OLD_ENOUGH_S + 60)
        assert outbox.sweep() == 1
    assert [path.name for path in captured.glob("[!.]*")] == [recorded.picture]


def test_sweep_touches_only_our_own_files(tmp_path: Path) -> None:
    captured = tmp_path / "captured"
    captured.mkdir()
    theirs = ["holiday.jpg", "frame_20240806.jpg", "20240806T103000.jpg", "notes.txt"]
    for name in theirs:
        (captured / name).write_bytes(b"x")
    age(captured, OLD_ENOUGH_S + 60)
    with Outbox.open(tmp_path / "lpr_data.db", captured, "cam-1") as outbox:
        assert outbox.sweep() == 0
    assert sorted(path.name for path in captured.glob("[!.]*")) == sorted(theirs)
