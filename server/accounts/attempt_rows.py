"""The tables of failed attempts to sign in, and of where from somebody did: so that a restart
neither forgives nor forgets. Each within the caller's transaction.

A failure of the future was counted before the clock was set back: it is forgotten, for the wait
after it would last until that time comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from guarding.lockout import FORGOTTEN_AFTER_S
from server.accounts.attempts import MOST_FAMILIAR, Attempt, Failures, Familiar
from server.accounts.times import moment_of
from server.row_id import LARGEST_ID
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

_FORGOTTEN_AFTER: Final = timedelta(seconds=FORGOTTEN_AFTER_S)
_CLOCKS_APART: Final = timedelta(minutes=5)
"""So far, at most, the clocks of processes on several machines differ."""


def write_failures(writer: Writer, failures: Iterable[Failures], now: datetime) -> None:
    """One more of each, also where another process counted one meanwhile. Takes away those that
    nobody waits for any more."""
    writer.change(
        "DELETE FROM sign_in_failures WHERE last_at < ? OR last_at > ?",
        (stamp(now - _FORGOTTEN_AFTER), stamp(now + _CLOCKS_APART)),
    )
    writer.change_each(
        "INSERT INTO sign_in_failures VALUES (?, ?, ?, ?) ON CONFLICT (counted_by, who) "
        "DO UPDATE SET last_at = excluded.last_at, count = CASE WHEN sign_in_failures.count "
        ">= excluded.count THEN sign_in_failures.count + 1 ELSE excluded.count END",
        [(each.counted.value, each.who, each.count, stamp(now)) for each in failures],
    )


def forgive(
    writer: Writer,
    forgiven: Iterable[Failures],
    familiar: Iterable[Familiar],
    now: datetime,
) -> None:
    writer.change_each(
        "DELETE FROM sign_in_failures WHERE counted_by = ? AND who = ?",
        [(each.counted.value, each.who) for each in forgiven],
    )
    writer.change_each(
        "INSERT INTO familiar_places VALUES (?, ?, ?) ON CONFLICT (name, place) "
        "DO UPDATE SET last_at = excluded.last_at",
        [(each.name, each.where, stamp(now)) for each in familiar],
    )
    writer.change(
        "DELETE FROM familiar_places WHERE (name, place) IN (SELECT name, place "
        "FROM familiar_places ORDER BY last_at DESC LIMIT ? OFFSET ?)",
        (LARGEST_ID, MOST_FAMILIAR),
    )


def read_failures(reader: Reader, attempt: Attempt, now: datetime) -> Sequence[Failures]:
    """Of all that the attempt may count by."""
    found: list[Failures] = []
    for counted, who in attempt.may_count_by:
        row = reader.row(
            "SELECT count, last_at FROM sign_in_failures WHERE counted_by = ? AND who = ?",
            (counted.value, who),
        )
        if row is None or (last_at := moment_of(row[1])) > now + _CLOCKS_APART:
            continue
        age_s = (now - last_at).total_seconds()
        found.append(Failures(counted=counted, who=who, count=row[0], age_s=age_s))
    return found


def read_familiar(reader: Reader, attempt: Attempt) -> Sequence[Familiar]:
    """Of the places where it comes from, those from which somebody signed in."""
    sql = "SELECT 1 FROM familiar_places WHERE name = ? AND place = ?"
    return [each for each in attempt.places if reader.row(sql, (each.name, each.where)) is not None]
