"""How this program opens SQLite databases, and what it makes of their errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw

from server.errors import GroupRefused, StorageUnavailable
from wire.errors import ErrorCode

BUSY_TIMEOUT_MS: Final = 5000
_CHECKPOINT_PAGES: Final = 4000
_WAL_BYTES_KEPT: Final = 64 * 1024 * 1024

# The whole database is in trouble, whatever the row: disk full, disk broken, file gone, no memory.
_UNAVAILABLE: Final = (
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.NoMemError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ConnectionClosedError,
    OSError,
)


def open_writer(path: Path) -> apsw.Connection:
    """The one connection that writes and checkpoints; a new file gets its fixed settings."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    if not connection.pragma("page_count"):
        connection.pragma("auto_vacuum", 2)  # INCREMENTAL; only possible before the first table
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", 2)  # FULL: what is acknowledged survives a power cut
    connection.pragma("foreign_keys", False)
    connection.pragma("wal_autocheckpoint", _CHECKPOINT_PAGES)
    connection.pragma("journal_size_limit", _WAL_BYTES_KEPT)
    return connection


def open_second_writer(path: Path) -> apsw.Connection:
    """A connection for a short write beside the writer, also of another process.

    It never checkpoints: only one connection may.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.pragma("synchronous", 2)
    connection.pragma("wal_autocheckpoint", 0)
    return connection


def open_note_writer(path: Path) -> apsw.Connection:
    """For notes of which a power cut may take the last ones: it does not wait for the disk.

    A thousand cameras that come back at once cost no thousand fsyncs.
    """
    connection = open_second_writer(path)
    connection.pragma("synchronous", 1)  # NORMAL
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """A connection that can only read."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection


@contextlib.contextmanager
def storage_errors() -> Iterator[None]:
    """Turns what SQLite raises into StorageUnavailable or, a row being at fault, GroupRefused."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StorageUnavailable(
            ErrorCode.BUSY, f"the database is locked by another program: {error}", retry_after_s=1.0
        ) from error
    except _UNAVAILABLE as error:
        raise StorageUnavailable(
            ErrorCode.STORAGE_FAILED, f"the database cannot be used: {error}", retry_after_s=5.0
        ) from error
    except (apsw.Error, ValueError, TypeError, OverflowError) as error:
        raise GroupRefused(f"{type(error).__name__}: {error}") from error


@contextlib.contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """Takes the write lock at once; commits at the end, rolls back on any error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
