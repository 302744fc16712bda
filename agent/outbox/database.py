"""Opens the agent's SQLite database, each connection with the settings of its purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Final

import apsw

from agent.errors import DatabaseUnusable
from agent.outbox.durable import make_folder
from agent.outbox.trouble import advice

BUSY_TIMEOUT_MS: Final = 2_000
"""What cannot be stored is held and tried again: waiting longer here would blind the camera."""
CHECKPOINT_PAGES: Final = 1_000
LOG_BYTES: Final = 8 * 1024 * 1024
"""A write-ahead log that was moved into the database is cut to this."""


class Purpose(Enum):
    """What a connection is for: how durable its commits are, and whether it checkpoints.

    Exactly one connection checkpoints, so that SQLite versions with the WAL-reset bug
    (sqlite.org/wal.html) in an older tool beside us find nothing to race with. A lost flag only
    costs a duplicate that the server absorbs, so the sender's commits need no fsync.
    KEEPING is for a person's command beside a running agent.
    """

    RECORDING = ("FULL", CHECKPOINT_PAGES)
    SENDING = ("NORMAL", 0)
    KEEPING = ("FULL", 0)

    @property
    def synchronous(self) -> str:
        return self.value[0]

    @property
    def checkpoint_pages(self) -> int:
        return self.value[1]


def connect(path: Path, purpose: Purpose) -> apsw.Connection:
    """A connection in WAL mode; raises DatabaseUnusable with what to do."""
    try:
        make_folder(path.parent)
        connection = apsw.Connection(str(path))
    except (OSError, apsw.Error) as error:
        raise DatabaseUnusable(
            f"{path} cannot be opened ({error}): check DB_PATH and the folder's permissions"
        ) from error
    try:
        configure(connection, path, purpose)
    except BaseException:
        connection.close()
        raise
    return connection


def configure(connection: apsw.Connection, path: Path, purpose: Purpose) -> None:
    """Sets WAL, durability, waiting for locks and who checkpoints."""
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    try:
        connection.pragma("auto_vacuum", "incremental")  # of a new database; others keep theirs
        mode = connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", purpose.synchronous)
        connection.wal_autocheckpoint(purpose.checkpoint_pages)
        connection.pragma("journal_size_limit", LOG_BYTES)
    except apsw.NotADBError:
        raise DatabaseUnusable(
            f"{path} is no SQLite database: if it was this camera's, start 'agent run', which sets "
            "it aside and saves what can be read; else move it away, or set DB_PATH to another file"
        ) from None
    except apsw.BusyError:
        raise DatabaseUnusable(
            f"{path} is locked by another program: stop the older system's camera program first"
        ) from None
    except apsw.Error as error:
        raise DatabaseUnusable(f"{path} cannot be used ({error}): {advice(error)}") from error
    if mode != "wal":
        raise DatabaseUnusable(
            f"{path} stays in journal mode {mode}: put it on a local file system that can do WAL"
        )


@contextmanager
def broken_text_as_corrupt() -> Iterator[None]:
    """A text in the database that is no UTF-8 any more is damage like any other: raises
    apsw.CorruptError for it."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise apsw.CorruptError(f"a text in it is damaged: {error}") from error


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """One write transaction, begun with the lock in hand; all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
