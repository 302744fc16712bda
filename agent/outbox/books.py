"""The numbers of the store's one row, and flags moved in bulk. Runs in the caller's transaction."""

from __future__ import annotations

from typing import Final

import apsw

from agent.delivery import OutboxCounts, StoreIdentity
from agent.errors import OutboxError
from agent.outbox.watching import version_held
from wire.limits import RUNS
from wire.rows import Table

SQL_TABLES: Final[dict[Table, str]] = {
    Table.LPR_DETECTION: "detection_results",
    Table.FACE_DETECTION: "face_results",
    Table.HEALTH_MONITOR: "health_checks",
    Table.EVICTION: "evictions",
}
"""Where rows lie, by their table on the wire."""


def next_sequences(connection: apsw.Connection, count: int) -> int:
    """Takes `count` consecutive numbers and returns the first."""
    row = connection.execute(
        "UPDATE store SET last_sequence = last_sequence + ? RETURNING last_sequence", (count,)
    ).fetchone()
    if row is None:
        raise OutboxError("the database has no row in its table store: it was not opened by us")
    return int(row[0]) - count + 1


def read_counts(connection: apsw.Connection) -> OutboxCounts:
    row = connection.execute(
        "SELECT captured, waiting, acknowledged, refused, evicted FROM store"
    ).fetchone()
    captured, waiting, acknowledged, refused, evicted = row or (0, 0, 0, 0, 0)
    return OutboxCounts(
        captured=captured,
        waiting=waiting,
        acknowledged=acknowledged,
        refused=refused,
        evicted=evicted,
    )


def read_identity(connection: apsw.Connection) -> StoreIdentity:
    row = connection.execute(
        "SELECT device_id, epoch, epoch_after_sequence, last_sequence FROM store"
    ).fetchone()
    if row is None:
        raise OutboxError("the database has no row in its table store: it was not opened by us")
    runs = connection.execute(
        "SELECT name FROM server_runs ORDER BY number DESC LIMIT ?", (RUNS,)
    ).fetchall()
    names = tuple(str(name) for (name,) in runs)
    return StoreIdentity(
        device_id=row[0],
        epoch=row[1],
        epoch_after=row[2],
        last_sequence=row[3],
        server_runs=names,
        watchlist=version_held(connection),
    )


def created_at(connection: apsw.Connection) -> str:
    """When this database was begun, to the microsecond: its name where several meet."""
    return str(connection.execute("SELECT created_at FROM store").get)


def retry_refused(connection: apsw.Connection) -> int:
    """Rows set aside wait again, as if never tried."""
    queued = 0
    for table in SQL_TABLES.values():
        connection.execute(
            f"UPDATE {table} SET sent_to_server = 0, send_error = NULL, retry_since = NULL, "  # noqa: S608 - our own names
            "retry_waited_s = 0, send_attempts = 0 WHERE sent_to_server = 2"
        )
        queued += connection.changes()
    return queued


def is_known(connection: apsw.Connection, message_id: str) -> bool:
    """Whether a row bears this id whose picture was not given up."""
    for table in ("detection_results", "face_results"):
        found = connection.execute(
            f"SELECT 1 FROM {table} WHERE message_id = ? AND image_status IS NOT 'evicted'",  # noqa: S608 - our own names
            (message_id,),
        )
        if found.fetchone():
            return True
    return False
