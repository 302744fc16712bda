"""Checks passwords for whoever knocks, one at a time, and remembers who failed and who is in."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import structlog

from agent.web.password import PasswordFile
from agent.web.sessions import Session, Sessions
from guarding.lockout import Lockout
from guarding.passwords import matches

log = structlog.get_logger(__name__)

OPERATOR: Final = "operator"
MOST_WAITING: Final = 8
"""Checks that may wait for their turn; more are refused at once."""
MOST_KNOWN_WRONG: Final = 64
"""Passwords that programs bring again and again; beyond these the oldest is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Of an attempt: the session's name where it was right, else how long to wait (seconds)."""

    session: str | None = None
    wait_s: float = 0.0


class Gatekeeper:
    """One for a page. `clock` is monotonic seconds."""

    def __init__(
        self, passwords: PasswordFile, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._passwords = passwords
        self._clock = clock
        self._sessions = Sessions()
        self._lockout = Lockout()
        self._checking = ThreadPoolExecutor(1, thread_name_prefix="password")
        self._waiting = 0
        self._key = secrets.token_bytes(32)
        self._last_right = b""
        self._known_wrong: dict[bytes, None] = {}

    def close(self) -> None:
        self._checking.shutdown(wait=False, cancel_futures=True)

    def password_hash(self) -> str | None:
        return self._passwords.read()

    def session(self, name: str | None, password_hash: str | None) -> Session | None:
        return self._sessions.find(name, password_hash=password_hash, now_s=self._clock())

    async def log_in(self, password: str, *, address: str) -> Answer:
        """Opens a session where the password is right."""
        password_hash = self.password_hash()
        wait_s = self._lockout.wait_s(address, self._clock())
        if wait_s or password_hash is None:
            return Answer(wait_s=wait_s)
        if not await self._check(password, password_hash, address):
            return Answer(wait_s=self._lockout.wait_s(address, self._clock()))
        name = self._sessions.begin(password_hash=password_hash, now_s=self._clock())
        return Answer(session=name)

    def log_out(self, name: str) -> None:
        self._sessions.end(name)

    async def knows(self, authorization: str, password_hash: str, *, address: str) -> bool:
        """Whether an Authorization header brings the operator's password (HTTP Basic)."""
        password = _basic_password(authorization)
        if password is None:
            return False
        # A program asks every few seconds: what was right a moment ago is not hashed again, and
        # what was wrong is no other guess, so that it locks out nobody who sits beside it.
        digest = hmac.digest(self._key, f"{password_hash}\0{password}".encode(), hashlib.sha256)
        if digest in self._known_wrong or self._lockout.wait_s(address, self._clock()):
            return False
        if hmac.compare_digest(digest, self._last_right):
            return True
        is_right = await self._check(password, password_hash, address)
        if is_right:
            self._last_right = digest
        elif is_right is False:
            if len(self._known_wrong) >= MOST_KNOWN_WRONG:
                del self._known_wrong[next(iter(self._known_wrong))]
            self._known_wrong[digest] = None
        return bool(is_right)

    async def _check(self, password: str, password_hash: str, address: str) -> bool | None:
        """Whether it is right; None where too many wait and it was not tried."""
        if self._waiting >= MOST_WAITING:
            return None
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            is_right = await loop.run_in_executor(self._checking, matches, password, password_hash)
        finally:
            self._waiting -= 1
        if is_right:
            self._lockout.succeeded(address)
            return True
        self._lockout.failed(address, self._clock())
        log.warning("wrong password at the page", address=address)
        return False


def _basic_password(authorization: str) -> str | None:
    """The operator's password of RFC 7617; None where the header brings none."""
    scheme, _, content = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(content.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, _, password = text.partition(":")
    return password if user == OPERATOR and password else None
