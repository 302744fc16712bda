"""SIGKILL between any two steps of a change leaves a gallery whose index is right."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC
from pathlib import Path

from server.storage.adoption import prepare_database
from tests.extent import tries_everything
from tests.server.faces.test_gallery import NOW, enrol, open_gallery

ROOT = Path(__file__).resolve().parents[3]
STRIDE = 7 if tries_everything() else 47
"""Every so many steps a life ends; all were tried once (docs/measurements.md)."""

BEFORE = [1, 1, 2, 2, None, None]
ENROLLED = [1, 1, 2, 2, 3, 3]
PICTURE_DELETED = [None, 1, 2, 2, 3, 3]
FORGOTTEN = [None, 1, None, None, 3, 3]


def test_sigkill_between_any_two_steps_leaves_a_right_index(tmp_path: Path) -> None:
    folder = tmp_path / "origin"
    folder.mkdir()
    database = folder / "server.db"
    prepare_database(database, zone_of=lambda _: UTC, now=NOW)
    gallery = open_gallery(database)
    enrol(gallery, 1, 2)
    enrol(gallery, 3, 4)
    gallery.close()
    run = subprocess.run(
        [sys.executable, "-m", "tests.server.faces.dying", str(database), "0", str(STRIDE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    lives = [json.loads(line) for line in run.stdout.splitlines()]
    assert all(life["killed"] for life in lives[:-1])
    assert lives[-1]["status"] == 0, run.stderr
    assert len(lives) > 10
    assert [life for life in lives if not life["consistent"]] == [], run.stderr
    assert [life["found"] for life in lives if life["found"] not in ALLOWED] == []
    # What is held on a person is all there or all gone: person, two or one pictures, their vectors.
    assert {life["held"][1] for life in lives} == {5, 0}
    seen = [ALLOWED.index(life["found"]) for life in lives]
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == len(ALLOWED) - 1


ALLOWED = [BEFORE, ENROLLED, PICTURE_DELETED, FORGOTTEN]
