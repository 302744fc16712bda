"""The runs of the server that this database has seen: by them a camera notices an older backup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import apsw

from server.storage.times import text_of

MOST_RUNS: Final = 10_000
"""A server that restarts every second for hours must not fill its disk with their names."""


def note_run(connection: apsw.Connection, name: str, now: datetime) -> None:
    """Enters the run, once; forgets the oldest beyond `MOST_RUNS`."""
    connection.execute(
        "INSERT OR IGNORE INTO server_runs (name, first_greeting_at) VALUES (?, ?)",
        (name, text_of(now)),
    )
    if connection.changes():
        last: Any = connection.last_insert_rowid()
        connection.execute("DELETE FROM server_runs WHERE number <= ?", (last - MOST_RUNS,))


def first_known(connection: apsw.Connection, names: Sequence[str]) -> str | None:
    """The first of these runs that the database has seen, None where it has seen none."""
    known = (
        {
            name
            for (name,) in connection.execute(
                "SELECT name FROM server_runs WHERE name IN (SELECT value FROM carray(?))",
                (apsw.carray(tuple(names), flags=apsw.SQLITE_CARRAY_TEXT),),
            )
        }
        if names
        else set()
    )
    return next((name for name in names if name in known), None)
