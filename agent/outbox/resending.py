"""Queues again what was acknowledged, for a server that lost it. Same ids: what it has it absorbs.

Rows that were pruned here cannot come again. Why so: docs/decisions/008-restored-server.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

import apsw

from agent.delivery import ServerHolds
from agent.outbox.books import SQL_TABLES
from agent.outbox.database import transaction
from agent.outbox.waiting import Columns, Reading, captured_at
from wire.limits import RUNS
from wire.rows import Table

ROWS_A_STEP: Final = 1_000


class _Sent(NamedTuple):
    row_id: int
    acknowledged_at: object
    server_rows: int | None


class KnownRun(NamedTuple):
    """A run of the server that was spoken to; `server_rows` is what it held at first."""

    number: int
    name: str
    server_rows: int


def resend_since(connection: apsw.Connection, since: datetime, reading: Reading) -> int:
    """Rows acknowledged at or after that time wait again; returns how many."""
    return _resend(connection, lambda sent: captured_at(sent.acknowledged_at, reading) >= since)


def resend_missing(connection: apsw.Connection, server: ServerHolds) -> int:
    """Rows wait again of which it is not certain that this server has them; returns how many.

    A server's count of a camera's rows only grows, so a row that was acknowledged when it stood at
    n is in every later state of the same database, and in every copy of one. Which state the server
    is in tell its count and the latest run that both of us remember. Rows without a count, from
    before the epoch or by a server that does not count, are left alone.
    """
    runs = _runs(connection)
    certain = certain_rows(runs, server)
    queued = 0
    if connection.execute("SELECT server_rows FROM store").get > certain:
        queued = _resend(connection, lambda sent: (sent.server_rows or 0) > certain)
    with transaction(connection):  # only now: after a crash before this all is done again
        connection.execute("UPDATE store SET server_rows = min(server_rows, ?)", (certain,))
        _remember(connection, runs, server)
    return queued


def certain_rows(runs: list[KnownRun], server: ServerHolds) -> int:
    """The count up to which this server's history is the one that we know; `runs` in order.

    Where it has forgotten our latest runs, that history ends at the latest where the first of those
    began.
    """
    known = [at for at, run in enumerate(runs) if run.name == server.known_run]
    if not known:
        return 0
    forgotten = runs[known[-1] + 1 :]
    return min([server.rows, *(run.server_rows for run in forgotten[:1])])


def _runs(connection: apsw.Connection) -> list[KnownRun]:
    found = connection.execute("SELECT number, name, server_rows FROM server_runs ORDER BY number")
    return [KnownRun(*row) for row in found]


def _remember(connection: apsw.Connection, runs: list[KnownRun], server: ServerHolds) -> None:
    """Forgets what this server has not seen, and the oldest beyond what hello may name."""
    known = [run for run in runs if run.name == server.known_run]
    last = known[-1].number if known else 0
    connection.execute("DELETE FROM server_runs WHERE number > ?", (last,))
    if known and known[-1].name == server.run:
        connection.execute(
            "UPDATE server_runs SET server_rows = min(server_rows, ?) WHERE number = ?",
            (server.rows, last),
        )
        return
    connection.execute(
        "INSERT INTO server_runs (name, server_rows) VALUES (?, ?)", (server.run, server.rows)
    )
    connection.execute(
        "DELETE FROM server_runs WHERE number <= ?", (connection.last_insert_rowid() - RUNS,)
    )


def _resend(connection: apsw.Connection, is_missing: Callable[[_Sent], bool]) -> int:
    queued = 0
    for table, name in SQL_TABLES.items():
        for step in _acknowledged(connection, table):
            ids = [(sent.row_id,) for sent in step if is_missing(sent)]
            if not ids:
                continue
            with transaction(connection):
                connection.executemany(
                    f"UPDATE {name} SET sent_to_server = 0, send_error = NULL, "  # noqa: S608 - our own names
                    "retry_since = NULL, send_attempts = 0, server_rows = NULL "
                    "WHERE id = ? AND sent_to_server = 1",
                    ids,
                )
            queued += len(ids)
    return queued


def _acknowledged(connection: apsw.Connection, table: Table) -> Iterator[list[_Sent]]:
    """All acknowledged rows of a table, in steps."""
    last_id = 0
    while True:
        found: list[Columns] = connection.execute(
            "SELECT id, coalesce(sent_timestamp, timestamp), server_rows "  # noqa: S608 - our own names
            f"FROM {SQL_TABLES[table]} WHERE sent_to_server = 1 AND id > ? ORDER BY id LIMIT ?",
            (last_id, ROWS_A_STEP),
        ).fetchall()
        if not found:
            return
        last_id = found[-1][0]
        yield [_Sent(*columns) for columns in found]
