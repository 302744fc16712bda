"""The tables of failed attempts to sign in, and of where from somebody did: so that a restart
neither forgives nor forgets. Each within the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import apsw

from guarding.lockout import FORGOTTEN_AFTER_S, MOST_ADDRESSES
from server.accounts.attempts import MOST_FAMILIAR, Counted, Failures, Familiar
from server.accounts.times import moment_of
from server.storage.times import stamp

_FORGOTTEN_AFTER: Final = timedelta(seconds=FORGOTTEN_AFTER_S)


def write_failures(
    connection: apsw.Connection, failures: Iterable[Failures], now: datetime
) -> None:
    """And takes away those that nobody waits for any more."""
    connection.executemany(
        "INSERT OR REPLACE INTO sign_in_failures VALUES (?, ?, ?, ?)",
        [(each.counted.value, each.who, each.count, stamp(now)) for each in failures],
    )
    connection.execute(
        "DELETE FROM sign_in_failures WHERE last_at < ?", (stamp(now - _FORGOTTEN_AFTER),)
    )


def forgive(
    connection: apsw.Connection,
    forgiven: Iterable[Failures],
    familiar: Iterable[Familiar],
    now: datetime,
) -> None:
    connection.executemany(
        "DELETE FROM sign_in_failures WHERE counted_by = ? AND who = ?",
        [(each.counted.value, each.who) for each in forgiven],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO familiar_places VALUES (?, ?, ?)",
        [(each.name, each.where, stamp(now)) for each in familiar],
    )
    connection.execute(
        "DELETE FROM familiar_places WHERE (name, place) IN (SELECT name, place "
        "FROM familiar_places ORDER BY last_at DESC LIMIT -1 OFFSET ?)",
        (MOST_FAMILIAR,),
    )


def read_failures(connection: apsw.Connection, now: datetime) -> Sequence[Failures]:
    """The newest of each kind, the oldest first."""
    found: list[Failures] = []
    for counted in Counted:
        rows: Any = connection.execute(
            "SELECT who, count, last_at FROM sign_in_failures WHERE counted_by = ? "
            "ORDER BY last_at DESC LIMIT ?",
            (counted.value, MOST_ADDRESSES),
        ).fetchall()
        for who, count, last_at in reversed(rows):
            age_s = (now - moment_of(last_at)).total_seconds()
            found.append(Failures(counted=counted, who=who, count=count, age_s=age_s))
    return found


def read_familiar(connection: apsw.Connection) -> Sequence[Familiar]:
    """The oldest first."""
    rows = connection.execute("SELECT name, place FROM familiar_places ORDER BY last_at")
    return [Familiar(name=str(name), where=str(place)) for name, place in rows]
