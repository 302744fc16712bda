"""A program that changes a gallery and is killed by SIGKILL at a given step: `dying.py DATABASE
FIRST STRIDE`. For the tests; prints a line of JSON for each of its deaths.

A step is a line of `server/faces`. Each life is a fork that works on a copy of the same database;
what the next start finds is looked at in another fork.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from server.faces import holdings, ledger, vector_rows
from tests.server.faces.test_gallery import (
    NOW,
    enrol,
    is_consistent,
    nearest,
    open_gallery,
)

MOST_STEPS = 100_000


def changes(database: Path) -> None:
    """A life: a person comes, one loses a picture, one goes, the index is built anew."""
    gallery = open_gallery(database)
    enrol(gallery, 11, 12)
    gallery.change(lambda book: book.delete_picture(1, NOW))
    holdings.forget(gallery, 2, NOW)
    gallery.rebuild()
    gallery.close()


def die_at(step: int) -> None:
    """Kills this process before that line of `server/faces` is run."""
    left = step

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if "server/faces/" not in frame.f_code.co_filename or "tests" in frame.f_code.co_filename:
            return None
        if event == "line":
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def look(database: Path) -> dict[str, Any]:
    """What the next start finds."""
    gallery = open_gallery(database)
    found = {
        "consistent": is_consistent(gallery),
        "found": [nearest(gallery, seed) for seed in (1, 2, 3, 4, 11, 12)],
        "held": gallery.read(
            lambda rows: [sum(ledger.left_of(rows, class_id).values()) for class_id in (1, 2, 3)]
        ),
        "revision": gallery.read(vector_rows.revision),
    }
    gallery.close()
    return found


def in_fork(work: Any) -> int:
    """How it ended: a wait status."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told by the exit status, and in words
            sys.stderr.write(f"{error!r}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def one_life(origin: Path, folder: Path, step: int) -> tuple[int, dict[str, Any]]:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(origin, folder)
    database = folder / "server.db"

    def live() -> None:
        die_at(step)
        changes(database)

    status = in_fork(live)
    told = folder / "told.json"
    if in_fork(lambda: told.write_text(json.dumps(look(database)))) != 0:
        return status, {"consistent": False}
    return status, json.loads(told.read_text())


def main(database: Path, first: int, stride: int) -> None:
    folder = database.parent.with_name("life")
    for step in range(first, MOST_STEPS, stride):
        status, found = one_life(database.parent, folder, step)
        is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        life = {"step": step, "killed": is_killed, "status": status, **found}
        sys.stdout.write(json.dumps(life) + "\n")
        sys.stdout.flush()
        if not is_killed:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
