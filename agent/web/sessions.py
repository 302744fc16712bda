"""Who is logged in: random names of sessions, kept in memory by their digest, for a while."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

LASTS_S: Final = 12 * 3600.0
MOST_SESSIONS: Final = 64
"""Beyond these the oldest ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`token` must accompany each change (CSRF); `password_hash` is the one it was opened under."""

    token: str
    password_hash: str
    ends_at_s: float


class Sessions:
    """A restart of the agent ends them all, and so does another password. `now_s` is monotonic."""

    def __init__(self) -> None:
        self._open: dict[bytes, Session] = {}

    def begin(self, *, password_hash: str, now_s: float) -> str:
        """The name to give to the browser; nobody can guess it."""
        if len(self._open) >= MOST_SESSIONS:
            del self._open[next(iter(self._open))]
        name = secrets.token_urlsafe(32)
        self._open[_digest(name)] = Session(
            token=secrets.token_urlsafe(32), password_hash=password_hash, ends_at_s=now_s + LASTS_S
        )
        return name

    def find(self, name: str | None, *, password_hash: str | None, now_s: float) -> Session | None:
        if not name:
            return None
        session = self._open.get(_digest(name))
        if session is None:
            return None
        if now_s >= session.ends_at_s or session.password_hash != password_hash:
            self.end(name)
            return None
        return session

    def end(self, name: str) -> None:
        self._open.pop(_digest(name), None)


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
