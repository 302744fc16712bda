"""The table of sessions: only the SHA-256 of each is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import apsw

from server.accounts.lifetimes import Lifetimes
from server.accounts.times import moment_of
from server.device_token import digest_of, new_token
from server.storage.times import stamp

MOST_OF_ONE_ACCOUNT: Final = 20
"""Beyond these the one that was used longest ago ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as it is kept."""

    user_id: int
    begun_at: datetime
    last_used_at: datetime


def begin(connection: apsw.Connection, user_id: int, address: str, now: datetime) -> str:
    """A new session, to be given to the browser; nobody can guess it."""
    connection.execute(
        "DELETE FROM sessions WHERE session_sha256 IN (SELECT session_sha256 FROM sessions "
        "WHERE user_id = ? ORDER BY last_used_at DESC LIMIT -1 OFFSET ?)",
        (user_id, MOST_OF_ONE_ACCOUNT - 1),
    )
    session = new_token()
    connection.execute(
        "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
        (digest_of(session), user_id, address, stamp(now), stamp(now)),
    )
    return session


def find(connection: apsw.Connection, digest: bytes) -> SessionRow | None:
    """Whatever its age."""
    row: Any = connection.execute(
        "SELECT user_id, begun_at, last_used_at FROM sessions WHERE session_sha256 = ?", (digest,)
    ).fetchone()
    if row is None:
        return None
    return SessionRow(user_id=row[0], begun_at=moment_of(row[1]), last_used_at=moment_of(row[2]))


def end(connection: apsw.Connection, digest: bytes) -> None:
    """May be repeated."""
    connection.execute("DELETE FROM sessions WHERE session_sha256 = ?", (digest,))


def end_all_of(connection: apsw.Connection, user_id: int, *, but: bytes | None = None) -> None:
    connection.execute(
        "DELETE FROM sessions WHERE user_id = ? AND session_sha256 IS NOT ?", (user_id, but)
    )


def end_old(connection: apsw.Connection, lifetimes: Lifetimes, now: datetime) -> None:
    """Takes away those that nobody can use any more."""
    connection.execute(
        "DELETE FROM sessions WHERE begun_at <= ? OR last_used_at <= ?",
        (stamp(now - lifetimes.whole), stamp(now - lifetimes.idle)),
    )


def note_uses(connection: apsw.Connection, uses: Mapping[bytes, datetime]) -> None:
    """Writes when sessions were used last."""
    connection.executemany(
        "UPDATE sessions SET last_used_at = ? WHERE session_sha256 = ?",
        [(stamp(at), digest) for digest, at in uses.items()],
    )
