"""The chaos run in short, and the parts that its verdict rests on."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.chaos_books import CameraBooks, CentreBooks, StoredRow, judge
from benchmarks.chaos_schedule import FaultKind, schedule

ROOT = Path(__file__).resolve().parents[2]
FAULTS = 20

CAMERA = CameraBooks(
    name="cam-0",
    rows={"a": 1, "b": 1, "c": 2},
    sequences=[1, 2, 3],
    witness={"a": "hash a", "b": None, "c": None},
    not_recorded=0,
    captured=3,
    waiting=0,
    acknowledged=2,
    refused=1,
    evicted=0,
    last_sequence=3,
)
ROW_A = StoredRow(message_id="a", image_status="present", picture_sha256="hash a")
ROW_B = StoredRow(message_id="b", image_status=None, picture_sha256=None)


def centre(*rows: StoredRow, last_sequence: int = 3) -> CentreBooks:
    return CentreBooks(rows={"cam-0": list(rows)}, stored={"cam-0": (len(rows), last_sequence)})


def test_twenty_faults_lose_double_and_change_nothing() -> None:
    """Disks are filled by the VFS here, so that the suite mounts nothing, root or not."""
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.chaos", "--faults", str(FAULTS), "--seed", "7",
            "--cameras", "2", "--rate", "8", "--disks", "vfs",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASSED" in done.stdout
    assert not done.stderr, "nothing of the benchmark itself may fail in passing"


def test_a_seed_gives_the_same_faults_of_every_kind() -> None:
    faults = schedule(faults=FAULTS, seed=7, cameras=3)
    assert faults == schedule(faults=FAULTS, seed=7, cameras=3)
    assert faults != schedule(faults=FAULTS, seed=8, cameras=3)
    kinds = Counter(fault.kind for fault in faults)
    assert set(kinds) == set(FaultKind)
    assert kinds.total() == FAULTS
    assert {fault.camera for fault in faults} == {0, 1, 2}


def test_books_that_balance_are_good() -> None:
    verdict = judge([CAMERA], centre(ROW_A, ROW_B))
    assert verdict.is_good, verdict.faults
    assert (verdict.captured, verdict.on_server, verdict.refused) == (3, 2, 1)
    assert verdict.with_picture == 1


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ((ROW_A,), "lost"),
        ((ROW_A, ROW_B, ROW_B), "duplicated"),
        ((replace(ROW_A, picture_sha256="another"), ROW_B), "differing"),
        ((replace(ROW_A, image_status="missing", picture_sha256=None), ROW_B), "differing"),
        ((ROW_A, ROW_B, replace(ROW_B, message_id="x")), "unknown"),
    ],
)
def test_what_the_server_has_wrong_is_counted(rows: tuple[StoredRow, ...], what: str) -> None:
    verdict = judge([CAMERA], centre(*rows))
    assert getattr(verdict, what) == 1
    assert not verdict.is_good


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (replace(CAMERA, captured=4), "accounted for"),
        (replace(CAMERA, rows={"a": 1, "b": 0, "c": 2}), "still wait"),
        (replace(CAMERA, sequences=[1, 2, 2]), ""),
        (replace(CAMERA, last_sequence=4), "sequences up to 4"),
        (replace(CAMERA, witness={**CAMERA.witness, "d": None}), "gone from the database"),
    ],
)
def test_a_camera_whose_books_do_not_balance_is_named(changed: CameraBooks, fault: str) -> None:
    verdict = judge([changed], centre(ROW_A, ROW_B))
    assert any(fault in line and "cam-0" in line for line in verdict.faults)
    assert not verdict.is_good


def test_an_evicted_row_is_not_lost() -> None:
    evicted = replace(CAMERA, rows={"a": 1, "c": 2}, sequences=[1, 3], acknowledged=1, evicted=1)
    verdict = judge([evicted], centre(ROW_A))
    assert verdict.is_good, verdict.faults
    assert (verdict.lost, verdict.evicted) == (0, 1)
