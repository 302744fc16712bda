"""Copies one SQLite database while programs write into it, and checks the copy.

The copy is a whole database of one moment, under its name only once it is complete and durable.
Root gives up its rights for those of whom the database's folder belongs to (`--owner`): who owns a
folder could lay links in it that lead root elsewhere, also by the names of SQLite's own files.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Final

import apsw

from db.rights import Account, become

PAGES_A_STEP: Final = 4096
MODE: Final = 0o640


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the database")
    parser.add_argument("target", type=Path, help="the copy to make; must not exist")
    parser.add_argument(
        "--owner", type=owner_of, metavar="UID:GID", help="for root: with whose rights to work"
    )
    given = parser.parse_args()
    try:
        if given.owner is not None and os.geteuid() == 0:
            become(given.owner)
        back_up(given.source, given.target)
    except (OSError, apsw.Error) as error:
        print(f"ERROR {given.source} could not be backed up: {error}", file=sys.stderr)
        return 1
    print(f"SUCCESS {given.target} ({given.target.stat().st_size / 1e6:.1f} MB)")
    return 0


def owner_of(text: str) -> Account:
    """Raises ValueError, which argparse tells."""
    user, _, group = text.partition(":")
    return Account(int(user), int(group))


def back_up(source: Path, target: Path) -> None:
    """Raises FileExistsError, OSError, apsw.Error; leaves nothing half done."""
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE))
        copy(source, partial)
        handle = os.open(partial, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        partial.rename(target)
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        for leftover in (partial, partial.with_name(f"{partial.name}-journal")):
            leftover.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    """By SQLite's backup interface; a reader's snapshot holds it to one moment in WAL mode."""
    # Read-only, so that this connection never checkpoints: the program's own one does.
    reading = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    writing = apsw.Connection(str(target))
    try:
        reading.set_busy_timeout(30_000)
        reading.execute("BEGIN; SELECT count(*) FROM sqlite_master").fetchall()
        with writing.backup("main", reading, "main") as copying:
            while not copying.done:
                copying.step(PAGES_A_STEP)
        writing.pragma("journal_mode", "delete")  # one file, without a log beside it
        found = writing.pragma("quick_check")
        if found != "ok":
            raise apsw.CorruptError(f"the copy is not sound ({found}), so the database is not")
    finally:
        writing.close()
        reading.close()


if __name__ == "__main__":
    sys.exit(main())
