"""Brings a SQLite database to the newest schema: numbered SQL files, each applied once.

Reads only its own folder; the caller owns the connection and makes the backup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

_FOLDER: Final = Path(__file__).resolve().parent
AGENT: Final = _FOLDER / "agent"
SERVER_SQLITE: Final = _FOLDER / "server" / "sqlite"
SERVER_POSTGRES: Final = _FOLDER / "server" / "postgres"
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_ADD_COLUMN: Final = re.compile(r"^ALTER TABLE (\w+) ADD COLUMN (\w+) [^;]*;$", re.MULTILINE)


class MigrationFailed(Exception):
    """A database cannot be brought to this program's schema; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step; `number` becomes the database's `user_version`."""

    number: int
    name: str
    sql: str


def migrations_in(folder: Path) -> tuple[Migration, ...]:
    """The numbered files of a folder in order; raises ValueError on a gap."""
    found = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    steps = tuple(
        Migration(number=int(path.name[:4]), name=path.name, sql=path.read_text(encoding="utf-8"))
        for path in found
    )
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError(f"migrations in {folder.name} are not numbered 0001, 0002, ...")
    return steps


def schema_version(connection: apsw.Connection) -> int:
    """The number of the newest step that the database has; 0 for an older system's or none."""
    version = connection.pragma("user_version")
    return int(version) if version is not None else 0


def pending(connection: apsw.Connection, folder: Path) -> tuple[Migration, ...]:
    """The steps that the database lacks; raises MigrationFailed where it is newer than we are."""
    return lacking(schema_version(connection), folder, place=connection.filename)


def lacking(have: int, folder: Path, *, place: str) -> tuple[Migration, ...]:
    """The steps that a database of schema `have` lacks; raises MigrationFailed where it is newer
    than we are, naming it as `place`."""
    steps = migrations_in(folder)
    if have > len(steps):
        raise MigrationFailed(
            f"{place} has schema {have}, this program knows {len(steps)}: "
            "it was written by a newer Sightpost; install that version or newer"
        )
    return steps[have:]


def migrate(connection: apsw.Connection, folder: Path) -> tuple[Migration, ...]:
    """Applies the missing steps, all or none, and returns them.

    A column that a step adds and the table has already (somebody's own addition to an older
    database) is kept as it is.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        steps = pending(connection, folder)
        for step in steps:
            _apply(connection, step)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return steps


def _apply(connection: apsw.Connection, step: Migration) -> None:
    try:
        sql = _ADD_COLUMN.sub(lambda found: _unless_there(connection, found), step.sql)
        for _ in connection.execute(sql):
            pass  # to the end: a statement that yields rows would keep the following from running
    except apsw.Error as error:
        raise MigrationFailed(
            f"{connection.filename}: step {step.name} failed, nothing was changed: {error}"
        ) from error
    connection.pragma("user_version", step.number)


def _unless_there(connection: apsw.Connection, statement: re.Match[str]) -> str:
    there = "SELECT 1 FROM pragma_table_info(?) WHERE name = ? COLLATE NOCASE"
    found = connection.execute(there, statement.group(1, 2)).fetchone()
    return "" if found else statement.group()
