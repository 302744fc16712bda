"""Queues again what was acknowledged, for a server that lost it. Same ids: what it has it absorbs.

Rows that were pruned here cannot come again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import apsw

from agent.outbox.books import SQL_TABLES
from agent.outbox.database import transaction
from agent.outbox.waiting import Columns, Reading, captured_at
from wire.rows import Table

ROWS_A_STEP: Final = 1_000
NEWEST: Final = 200
"""So many newest acknowledged rows of a table are looked at for their numbers."""
NEAREST: Final = 20
"""So many rows of each table, just below a number, tell when it was acknowledged."""
MARGIN: Final = timedelta(minutes=2)
"""How long before its acknowledgement a row may have been written by the server."""


class _Sent(NamedTuple):
    row_id: int
    sequence: int | None
    acknowledged_at: datetime


def resend_since(connection: apsw.Connection, since: datetime, reading: Reading) -> int:
    """Rows acknowledged at or after that time wait again; returns how many."""
    return _resend(connection, lambda sent: sent.acknowledged_at >= since, reading)


def resend_missing(connection: apsw.Connection, held: int, reading: Reading) -> int:
    """What a server lacks that says `held` is the last number it has of this epoch.

    Nothing where no greater number was acknowledged. Otherwise the server went back in time, and
    numbers alone do not tell what it lacks, for rows are not sent in their order: so all that was
    acknowledged since the row numbered `held` was, and all with greater numbers, waits again. Rows
    from before the epoch, or before any server counted, are left alone.
    """
    with transaction(connection):
        after = _counted_after(connection, held)
    highest = _highest_acknowledged(connection, after)
    if highest <= max(held, after):
        return 0
    since = _acknowledged_at(connection, held, reading)

    def is_missing(sent: _Sent) -> bool:
        if sent.sequence is None or sent.sequence <= after:
            return False
        if sent.sequence > held:
            return True
        return since is not None and sent.acknowledged_at >= since - MARGIN

    return _resend(connection, is_missing, reading)


def _counted_after(connection: apsw.Connection, held: int) -> int:
    """Numbers up to this say nothing of what a counting server has.

    Noted when one speaks for the first time in this epoch: rows that were acknowledged before
    were by one that knows no numbers, unless it holds some of this epoch.
    """
    epoch_after, v1_after = connection.execute(
        "SELECT epoch_after_sequence, v1_after_sequence FROM store"
    ).get
    if v1_after is None:
        v1_after = 0 if held else _highest_acknowledged(connection, epoch_after)
        connection.execute("UPDATE store SET v1_after_sequence = ?", (v1_after,))
    return max(int(epoch_after), int(v1_after))


def _highest_acknowledged(connection: apsw.Connection, after: int) -> int:
    """The highest number above `after` that was acknowledged, or `after`: numbers rise with ids."""
    highest = after
    for name in SQL_TABLES.values():
        found = connection.execute(
            f"SELECT max(sequence) FROM (SELECT sequence FROM {name} WHERE sent_to_server = 1 "  # noqa: S608 - our own names
            "ORDER BY id DESC LIMIT ?)",
            (NEWEST,),
        ).get
        highest = max(highest, found or 0)
    return highest


def _acknowledged_at(
    connection: apsw.Connection, sequence: int, reading: Reading
) -> datetime | None:
    """When rows of about that number were acknowledged, the first of them; None: nobody knows.

    Several, for one alone may have been acknowledged long after the server wrote it.
    """
    moments: list[datetime] = []
    for name in SQL_TABLES.values():
        found: list[Columns] = connection.execute(
            f"SELECT coalesce(sent_timestamp, timestamp) FROM {name} WHERE sent_to_server = 1 "  # noqa: S608 - our own names
            "AND sequence <= ? ORDER BY id DESC LIMIT ?",
            (sequence, NEAREST),
        ).fetchall()
        moments.extend(captured_at(at, reading) for (at,) in found)
    return min(moments, default=None)


def _resend(
    connection: apsw.Connection, is_missing: Callable[[_Sent], bool], reading: Reading
) -> int:
    queued = 0
    for table, name in SQL_TABLES.items():
        for step in _acknowledged(connection, table, reading):
            ids = [(sent.row_id,) for sent in step if is_missing(sent)]
            if not ids:
                continue
            with transaction(connection):
                connection.executemany(
                    f"UPDATE {name} SET sent_to_server = 0, send_error = NULL, "  # noqa: S608 - our own names
                    "retry_since = NULL, send_attempts = 0 WHERE id = ? AND sent_to_server = 1",
                    ids,
                )
            queued += len(ids)
    return queued


def _acknowledged(
    connection: apsw.Connection, table: Table, reading: Reading
) -> Iterator[list[_Sent]]:
    """All acknowledged rows of a table, in steps."""
    last_id = 0
    while True:
        found: list[Columns] = connection.execute(
            f"SELECT id, sequence, coalesce(sent_timestamp, timestamp) FROM {SQL_TABLES[table]} "  # noqa: S608 - our own names
            "WHERE sent_to_server = 1 AND id > ? ORDER BY id LIMIT ?",
            (last_id, ROWS_A_STEP),
        ).fetchall()
        if not found:
            return
        last_id = found[-1][0]
        yield [_Sent(row_id, number, captured_at(at, reading)) for row_id, number, at in found]
