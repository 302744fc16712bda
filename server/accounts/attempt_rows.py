"""The tables of failed attempts to sign in, and of where from somebody did: so that a restart
neither forgives nor forgets. Each within the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from guarding.lockout import FORGOTTEN_AFTER_S, MOST_ADDRESSES
from server.accounts.attempts import MOST_FAMILIAR, Counted, Failures, Familiar
from server.accounts.times import moment_of
from server.row_id import LARGEST_ID
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

_FORGOTTEN_AFTER: Final = timedelta(seconds=FORGOTTEN_AFTER_S)


def write_failures(writer: Writer, failures: Iterable[Failures], now: datetime) -> None:
    """And takes away those that nobody waits for any more."""
    writer.change_each(
        "INSERT INTO sign_in_failures VALUES (?, ?, ?, ?) ON CONFLICT (counted_by, who) "
        "DO UPDATE SET count = excluded.count, last_at = excluded.last_at",
        [(each.counted.value, each.who, each.count, stamp(now)) for each in failures],
    )
    writer.change(
        "DELETE FROM sign_in_failures WHERE last_at < ?", (stamp(now - _FORGOTTEN_AFTER),)
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


def read_failures(reader: Reader, now: datetime) -> Sequence[Failures]:
    """The newest of each kind, the oldest first."""
    found: list[Failures] = []
    for counted in Counted:
        rows = reader.rows(
            "SELECT who, count, last_at FROM sign_in_failures WHERE counted_by = ? "
            "ORDER BY last_at DESC LIMIT ?",
            (counted.value, MOST_ADDRESSES),
        )
        for who, count, last_at in reversed(rows):
            age_s = (now - moment_of(last_at)).total_seconds()
            found.append(Failures(counted=counted, who=who, count=count, age_s=age_s))
    return found


def read_familiar(reader: Reader) -> Sequence[Familiar]:
    """The oldest first."""
    rows = reader.rows("SELECT name, place FROM familiar_places ORDER BY last_at")
    return [Familiar(name=str(name), where=str(place)) for name, place in rows]
