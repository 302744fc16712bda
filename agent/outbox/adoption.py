"""Brings a database to our schema: a new one, ours, or an older camera's, in place."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import apsw
import structlog

from agent.errors import DatabaseUnusable
from agent.outbox.database import transaction
from agent.outbox.durable import make_durable
from db import migrations

log = structlog.get_logger(__name__)

_OLDER_TABLES: Final = ("camera_metadata", "detection_results", "health_checks")
_TABLES: Final = ("detection_results", "face_results", "health_checks", "evictions")


def adopt(
    connection: apsw.Connection, *, path: Path, device_id: str, epoch: str, now: datetime
) -> Path | None:
    """Migrates what `path` holds; the backup that was made first of an older database, or None.

    `epoch` is used where none has begun. Raises DatabaseUnusable; nothing was changed then.
    """
    backup = None
    try:
        if is_older(connection):
            backup = back_up(connection, path, now)
            with transaction(connection):
                _add_missing_columns(connection)
        migrations.migrate(connection, migrations.AGENT)
        with transaction(connection):
            _claim(connection, device_id=device_id, epoch=epoch, now=now)
    except migrations.MigrationFailed as error:
        raise DatabaseUnusable(str(error)) from error
    except (OSError, apsw.Error) as error:
        raise DatabaseUnusable(f"{path} cannot be brought to this schema: {error}") from error
    return backup


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
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(partial),))
    make_durable(partial, target)
    log.info("older database backed up before its adoption", backup=str(target))
    return target


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


def _claim(connection: apsw.Connection, *, device_id: str, epoch: str, now: datetime) -> None:
    """The store's row: made once. Another device name begins an epoch; numbering goes on."""
    row = connection.execute("SELECT device_id FROM store").fetchone()
    if row is None:
        counted = {
            state: " + ".join(
                f"(SELECT count(*) FROM {table} WHERE sent_to_server = {flag})"  # noqa: S608 - our own names
                for table in _TABLES
            )
            for state, flag in (("waiting", 0), ("refused", 2))
        }
        connection.execute(
            "INSERT INTO store (only, device_id, epoch, created_at, captured, waiting, refused) "  # noqa: S608 - our own names
            f"SELECT 1, ?, ?, ?, w + r, w, r FROM "
            f"(SELECT {counted['waiting']} AS w, {counted['refused']} AS r)",
            (device_id, epoch, now.isoformat()),
        )
    elif row[0] != device_id:
        log.warning("device id changed: a new epoch begins", before=row[0], after=device_id)
        connection.execute("UPDATE store SET device_id = ?, epoch = ?", (device_id, epoch))
