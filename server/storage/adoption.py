"""Makes a database ready: a new one is created, an older server's adopted in place, ours upgraded.

Whatever holds rows is backed up before it is changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

import apsw
import structlog

from db.migrations import SERVER_SQLITE, MigrationFailed, migrate, pending, schema_version
from server.errors import StartRefused
from server.storage.connection import open_writer, transaction
from server.storage.durable import make_folder, sync
from server.storage.older_ids import enter_older_rows
from wire.checks import parse_time
from wire.classic import as_percent, classic_device_id
from wire.errors import RowInvalid

ZoneOf = Callable[[str], tzinfo]

_log = structlog.get_logger(__name__)

_OLDER_TABLES: Final = frozenset({"lpr_detections", "health_monitors"})
_INCREMENTAL: Final = 2
_COPIES: Final = 3  # the backup, and what VACUUM writes beside the original

_FILL_DETECTIONS: Final = """
UPDATE lpr_detections SET
    device_id = older_device(hostname, checkpoint_id),
    captured_at = older_time(timestamp, checkpoint_id),
    confidence_percent = older_percent(confidence),
    image_status = iif(coalesce(image_data, '') = '', 'missing', 'present')
WHERE device_id IS NULL
"""
_FILL_HEALTH: Final = """
UPDATE health_monitors SET
    device_id = older_device(hostname, checkpoint_id),
    captured_at = older_time(timestamp, checkpoint_id)
WHERE device_id IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was done: the backup where one was needed, the migrations, rows of an older server."""

    backup: Path | None
    steps: tuple[str, ...]
    adopted_rows: int


def prepare_database(path: Path, *, zone_of: ZoneOf, now: datetime) -> Prepared:
    """Brings the database at `path` to this program's schema; the caller holds its lock.

    Raises StartRefused, with the database as it was.
    """
    make_folder(path.parent)
    try:
        return _prepare(path, zone_of, now)
    except MigrationFailed as error:
        raise StartRefused(str(error)) from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StartRefused(
            f"{path} is in use by another program: stop it (an older server?) and start again"
        ) from error
    except apsw.NotADBError as error:
        raise StartRefused(
            f"{path} is no SQLite database: move it away or choose another file with --db FILE"
        ) from error
    except (apsw.Error, OSError) as error:
        raise StartRefused(f"{path} cannot be opened: {error}") from error


def _prepare(path: Path, zone_of: ZoneOf, now: datetime) -> Prepared:
    is_new = not path.exists() or path.stat().st_size == 0
    backup = None
    if not is_new:
        backup = _back_up_if_needed(path, now)
    connection = open_writer(path)
    try:
        steps = migrate(connection, SERVER_SQLITE)
        adopted = 0 if is_new else _fill_older_rows(connection, zone_of, now)
    finally:
        connection.close()
    return Prepared(backup=backup, steps=tuple(step.name for step in steps), adopted_rows=adopted)


def _back_up_if_needed(path: Path, now: datetime) -> Path | None:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        _check_ours(connection, path)
        if not pending(connection, SERVER_SQLITE):
            return None
        _check_space(path)
        _log.info(
            "bringing the database to this version, after a backup; a large one takes minutes",
            database=str(path),
            size_mb=round(path.stat().st_size / 1e6),
        )
        backup = _back_up(connection, path, now)
        if connection.pragma("auto_vacuum") != _INCREMENTAL:
            connection.pragma("auto_vacuum", _INCREMENTAL)
            connection.execute("VACUUM")  # the setting of a filled database changes only so
        return backup
    finally:
        connection.close()


def _check_ours(connection: apsw.Connection, path: Path) -> None:
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    if schema_version(connection) == 0 and names and not names & _OLDER_TABLES:
        raise StartRefused(
            f"{path} is another program's database (tables {', '.join(sorted(names)[:5])}): "
            "choose another file with --db FILE or SERVER_DB_PATH"
        )
    if "detection_results" in names:
        raise StartRefused(
            f"{path} is a camera's database, not a server's: "
            "choose another file with --db FILE or SERVER_DB_PATH"
        )


def _check_space(path: Path) -> None:
    size = path.stat().st_size
    free = shutil.disk_usage(path.parent).free
    if free < _COPIES * size:
        raise StartRefused(
            f"adopting {path} ({size / 1e6:.0f} MB) needs {_COPIES * size / 1e6:.0f} MB free for "
            f"its backup and its new form, there are {free / 1e6:.0f} MB: make room, "
            "or move the database to a larger disk"
        )


def _back_up(connection: apsw.Connection, path: Path, now: datetime) -> Path:
    backup = path.with_name(f"{path.stem}.before-sightpost-{now:%Y%m%d-%H%M%S}{path.suffix}")
    temporary = backup.with_name(backup.name + ".part")
    temporary.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(temporary),))
    sync(temporary)
    temporary.rename(backup)
    sync(backup.parent)
    return backup


def _fill_older_rows(connection: apsw.Connection, zone_of: ZoneOf, now: datetime) -> int:
    """Gives rows of an older server their ids, and what can be told from their columns."""

    def older_time(*arguments: apsw.SQLiteValue) -> str | None:
        timestamp, checkpoint_id = arguments
        try:
            moment = parse_time("timestamp", str(timestamp), zone_of(str(checkpoint_id or "")))
        except RowInvalid:
            return None
        return moment.isoformat(timespec="milliseconds")

    def older_device(*arguments: apsw.SQLiteValue) -> str:
        hostname, checkpoint_id = arguments
        return classic_device_id(str(hostname or ""), str(checkpoint_id or ""))

    def older_percent(*arguments: apsw.SQLiteValue) -> float | None:
        (confidence,) = arguments
        return as_percent(float(confidence)) if isinstance(confidence, int | float) else None

    connection.create_scalar_function("older_time", older_time, 2)
    connection.create_scalar_function("older_device", older_device, 2)
    connection.create_scalar_function("older_percent", older_percent, 1)
    with transaction(connection):
        enter_older_rows(connection, now)
        before = connection.total_changes()
        connection.execute(_FILL_DETECTIONS)
        connection.execute(_FILL_HEALTH)
        return connection.total_changes() - before
