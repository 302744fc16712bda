"""Copies of a server's database and pictures: taken while it works, put back when it is stopped."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import apsw


def back_up(database: Path, pictures: Path, target: Path) -> None:
    """A copy by SQLite's backup API. Pictures last, so that no row of the copy lacks its own."""
    (target / "pictures").mkdir(parents=True)
    _copy(database, target / database.name)
    for day in sorted(pictures.glob("*.db")):
        _copy(day, target / "pictures" / day.name)


def restore(database: Path, pictures: Path, source: Path) -> None:
    """As a person does it with the server stopped: what is there goes, the copy takes its place."""
    for old in database.parent.glob(f"{database.name}*"):
        if old.suffix != ".lock":
            old.unlink()
    shutil.rmtree(pictures, ignore_errors=True)
    shutil.copy(source / database.name, database)
    shutil.copytree(source / "pictures", pictures)


def _copy(source: Path, target: Path) -> None:
    with (
        contextlib.closing(
            apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY, vfs="unix")
        ) as reading,
        contextlib.closing(apsw.Connection(str(target), vfs="unix")) as writing,
    ):
        reading.set_busy_timeout(5_000)
        with writing.backup("main", reading, "main") as copying:
            copying.step()
