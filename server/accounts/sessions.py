"""The table of sessions: only the SHA-256 of each is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from server.accounts.lifetimes import Lifetimes
from server.accounts.times import moment_of
from server.device_token import digest_of, new_token
from server.row_id import LARGEST_ID
from server.storage.asking import Reader, Writer
from server.storage.times import stamp

MOST_OF_ONE_ACCOUNT: Final = 20
"""Beyond these the one that was used longest ago ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as it is kept."""

    user_id: int
    begun_at: datetime
    last_used_at: datetime


def begin(writer: Writer, user_id: int, address: str, now: datetime) -> str:
    """A new session, to be given to the browser; nobody can guess it."""
    writer.change(
        "DELETE FROM sessions WHERE session_sha256 IN (SELECT session_sha256 FROM sessions "
        "WHERE user_id = ? ORDER BY last_used_at DESC LIMIT ? OFFSET ?)",
        (user_id, LARGEST_ID, MOST_OF_ONE_ACCOUNT - 1),
    )
    session = new_token()
    writer.change(
        "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
        (digest_of(session), user_id, address, stamp(now), stamp(now)),
    )
    return session


def find(reader: Reader, digest: bytes) -> SessionRow | None:
    """Whatever its age."""
    row: Any = reader.row(
        "SELECT user_id, begun_at, last_used_at FROM sessions WHERE session_sha256 = ?", (digest,)
    )
    if row is None:
        return None
    return SessionRow(user_id=row[0], begun_at=moment_of(row[1]), last_used_at=moment_of(row[2]))


def end(writer: Writer, digest: bytes) -> None:
    """May be repeated."""
    writer.change("DELETE FROM sessions WHERE session_sha256 = ?", (digest,))


def end_all_of(writer: Writer, user_id: int, *, but: bytes | None = None) -> None:
    writer.change(
        "DELETE FROM sessions WHERE user_id = ? AND session_sha256 IS DISTINCT FROM ?",
        (user_id, but),
    )


def end_old(writer: Writer, lifetimes: Lifetimes, now: datetime) -> None:
    """Takes away those that nobody can use any more."""
    writer.change(
        "DELETE FROM sessions WHERE begun_at <= ? OR last_used_at <= ?",
        (stamp(now - lifetimes.whole), stamp(now - lifetimes.idle)),
    )


def note_uses(writer: Writer, uses: Mapping[bytes, datetime]) -> None:
    """Writes when sessions were used last."""
    writer.change_each(
        "UPDATE sessions SET last_used_at = ? WHERE session_sha256 = ?",
        [(stamp(at), digest) for digest, at in uses.items()],
    )
