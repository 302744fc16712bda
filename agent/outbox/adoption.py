"""Brings a database to our schema: a new one, ours, or an older camera's, in place."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw
import structlog

from agent.errors import DatabaseUnusable
from agent.outbox.database import Purpose, broken_text_as_corrupt, connect, transaction
from agent.outbox.durable import make_durable
from db import migrations

log = structlog.get_logger(__name__)

_OLDER_TABLES: Final = ("camera_metadata", "detection_results", "health_checks")
_SERVER_TABLES: Final = frozenset({"lpr_detections", "health_monitors"})
_ROOM_TO_SPARE: Final = 1.1  # a copy takes at most what the original does, and others write too
_TABLES: Final = ("detection_results", "face_results", "health_checks", "evictions")


def adopt(
    connection: apsw.Connection,
    *,
    path: Path,
    device_id: str,
    epoch: str,
    now: datetime,
    is_default_name: bool = False,
) -> Path | None:
    """Migrates what `path` holds; the backup that was made first of an older database, or None.

    `epoch` is used where none has begun. `is_default_name` says that nobody chose `device_id`: a
    name that the database bears already stays. Raises DatabaseUnusable; nothing was changed then.
    """
    backup = None
    try:
        _check_ours(connection, path)
        if is_older(connection):
            backup = back_up(connection, path, now)
            with transaction(connection):
                _add_missing_columns(connection)
        migrations.migrate(connection, migrations.AGENT)
        with broken_text_as_corrupt(), transaction(connection):
            _claim(
                connection,
                device_id=device_id,
                epoch=epoch,
                now=now,
                is_default_name=is_default_name,
            )
    except migrations.MigrationFailed as error:
        raise DatabaseUnusable(str(error)) from error
    except (OSError, apsw.Error) as error:
        raise DatabaseUnusable(f"{path} cannot be brought to this schema: {error}") from error
    return backup


def connect_adopted(
    path: Path,
    purpose: Purpose,
    *,
    device_id: str,
    epoch: str,
    now: datetime,
    is_default_name: bool,
) -> apsw.Connection:
    """A connection to what `path` holds, adopted; raises DatabaseUnusable."""
    connection = connect(path, purpose)
    try:
        adopt(
            connection,
            path=path,
            device_id=device_id,
            epoch=epoch,
            now=now,
            is_default_name=is_default_name,
        )
    except BaseException:
        connection.close()
        raise
    return connection


def make_shrinkable(connection: apsw.Connection) -> None:
    """Lets pruning free the disk; rewrites a database that was not made so, once, at adoption."""
    if connection.pragma("auto_vacuum") != 0:
        return
    if shutil.disk_usage(Path(connection.filename).parent).free < 3 * size_of(connection):
        log.warning("too little room to rewrite the database; its free pages are used again")
        return
    log.info("database is rewritten once, so that it can shrink", path=connection.filename)
    try:
        connection.pragma("auto_vacuum", "incremental")
        connection.execute("VACUUM")
    except apsw.Error as error:
        log.warning("database cannot shrink; its free pages are used again", error=str(error))


def is_older(connection: apsw.Connection) -> bool:
    """Whether an older camera made this database and we never opened it."""
    if migrations.schema_version(connection) > 0:
        return False
    return any(_columns(connection, table) for table in _OLDER_TABLES)


def back_up(connection: apsw.Connection, path: Path, now: datetime) -> Path:
    """A complete copy beside the database; one of the same day is not overwritten."""
    day = now.astimezone().strftime("%Y-%m-%d")
    target = path.with_name(f"{path.stem}.before-sightpost-{day}.db")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.stem}.before-sightpost-{day}-{number}.db")
    check_room(connection, path, free_bytes=shutil.disk_usage(path.parent).free)
    partial = target.with_name(f".{target.name}.partial")
    _discard(partial)
    try:
        connection.execute("VACUUM INTO ?", (str(partial),))
        make_durable(partial, target)
    except (OSError, apsw.Error) as error:
        _discard(partial)
        raise DatabaseUnusable(
            f"{path} is not adopted, for its backup {target} could not be written ({error}): free "
            "disk space, check the folder's permissions, or move the database to a larger disk"
        ) from error
    log.info("older database backed up before its adoption", backup=str(target))
    return target


def check_room(connection: apsw.Connection, path: Path, *, free_bytes: int) -> None:
    """Raises DatabaseUnusable where the backup would fill the disk."""
    needed = int(size_of(connection) * _ROOM_TO_SPARE)
    if free_bytes < needed:
        raise DatabaseUnusable(
            f"{path} is not adopted: its backup needs {needed / 1e6:.1f} MB on this disk, "
            f"{free_bytes / 1e6:.1f} MB are free; make room, or move the database to a larger disk"
        )


def size_of(connection: apsw.Connection) -> int:
    """The database's bytes as SQLite counts them, pages in its log included."""
    return int(connection.pragma("page_count")) * int(connection.pragma("page_size"))


def _discard(partial: Path) -> None:
    """Half a backup, and the journal that SQLite may have left with it."""
    for suffix in ("", "-journal"):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _add_missing_columns(connection: apsw.Connection) -> None:
    """Very old databases lack a column or two of 0001; they get them, empty."""
    older, *_ = migrations.migrations_in(migrations.AGENT)
    reference = apsw.Connection(":memory:")
    reference.execute(older.sql)
    for table in _OLDER_TABLES:
        there = _columns(connection, table)
        if not there:
            continue
        for name, declared in _columns(reference, table).items():
            if name not in there:
                default = " DEFAULT 0" if name == "sent_to_server" else ""
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {declared}{default}")
    reference.close()


def _columns(connection: apsw.Connection, table: str) -> dict[str, str]:
    rows = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
    return {str(name): str(declared) for name, declared in rows}


def _check_ours(connection: apsw.Connection, path: Path) -> None:
    names = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    if names & _SERVER_TABLES and not names & {*_OLDER_TABLES}:
        raise DatabaseUnusable(
            f"{path} is a server's database, not a camera's: set DB_PATH to another file"
        )
    if names and migrations.schema_version(connection) == 0 and not names & {*_OLDER_TABLES}:
        raise DatabaseUnusable(
            f"{path} is another program's database (tables {', '.join(sorted(names)[:5])}): "
            "set DB_PATH to another file"
        )


def _claim(
    connection: apsw.Connection,
    *,
    device_id: str,
    epoch: str,
    now: datetime,
    is_default_name: bool,
) -> None:
    """The store's row: made once. Another chosen name begins an epoch; numbering goes on."""
    row = connection.execute("SELECT device_id FROM store").fetchone()
    if row is None:
        counted = {
            state: " + ".join(
                f"(SELECT count(*) FROM {table} WHERE sent_to_server = {flag})"  # noqa: S608 - our own names
                for table in _TABLES
            )
            for state, flag in (("waiting", 0), ("acknowledged", 1), ("refused", 2))
        }
        connection.execute(
            "INSERT INTO store (only, device_id, epoch, created_at, "  # noqa: S608 - our own names
            "captured, waiting, acknowledged, refused) "
            f"SELECT 1, ?, ?, ?, w + a + r, w, a, r FROM (SELECT {counted['waiting']} AS w, "
            f"{counted['acknowledged']} AS a, {counted['refused']} AS r)",
            (device_id, epoch, now.isoformat()),
        )
    elif row[0] != device_id and is_default_name:
        log.warning(
            "this machine's name changed; the camera keeps the name that its database bears "
            "(AGENT_DEVICE_ID sets another)",
            machine=device_id,
            kept=row[0],
        )
    elif row[0] != device_id:
        log.warning("device id changed: a new epoch begins", before=row[0], after=device_id)
        connection.execute(
            "UPDATE store SET device_id = ?, epoch = ?, epoch_after_sequence = last_sequence, "
            "server_rows = 0",
            (device_id, epoch),
        )
        connection.execute("DELETE FROM server_runs")
        for table in _TABLES:  # what a server counted of one epoch says nothing of the next
            connection.execute(
                f"UPDATE {table} SET server_rows = NULL WHERE server_rows IS NOT NULL"  # noqa: S608 - our own names
            )
