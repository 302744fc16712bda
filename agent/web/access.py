"""Who may do what at the page, from the facts of a request. Pure.

Whoever sits at the device itself (a page bound to loopback, asked directly, no password set) needs
no login. Everybody else does: beyond loopback, through a proxy, or once a password is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from guarding.origin import CHANGING, came_from_here, names_this_machine, was_passed_on

OPEN_PATHS: Final = ("/static/", "/login")
"""Served to everybody: what the login page itself needs."""
LARGEST_BODY_BYTES: Final = 64 * 1024


class Verdict(Enum):
    """What becomes of a request; the value is the status code and what is said."""

    ALLOWED = (200, "")
    WRONG_HOST = (
        421,
        (
            "this page answers to localhost only: open http://127.0.0.1 with its port, or set a "
            "password (python -m agent password) and AGENT_WEB_HOST"
        ),
    )
    NO_PASSWORD = (
        403,
        (
            "no password is set, so nobody is let in from beyond this device: run "
            "'python -m agent password' on it"
        ),
    )
    LOGIN_NEEDED = (401, "log in first: at /login, or with HTTP Basic as user operator")
    CROSS_SITE = (403, "the request came from another web page and was not carried out")
    TOKEN_MISSING = (
        403,
        "the page is out of date or its token is missing (X-CSRF-Token): reload it",
    )
    BODY_TOO_LARGE = (413, f"expected a body of at most {LARGEST_BODY_BYTES} bytes with its length")

    @property
    def code(self) -> int:
        return self.value[0]

    @property
    def text(self) -> str:
        return self.value[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How the page is reached: whether it listens on loopback alone, and has a password."""

    is_loopback: bool
    has_password: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A request: `headers` by lower-case name. `session_token` is that of the caller's session,
    `is_basic` whether it brought the right password itself."""

    method: str
    path: str
    headers: Mapping[str, str]
    session_token: str | None = None
    sent_token: str | None = None
    is_basic: bool = False

    @property
    def is_proxied(self) -> bool:
        return was_passed_on(self.headers)


def judge(knock: Knock, door: Door) -> Verdict:
    """The first rule that is broken decides."""
    needs_login = login_needed(knock, door)
    if not needs_login and not names_this_machine(knock.headers.get("host", "")):
        # A page elsewhere whose name was made to point here (DNS rebinding) names itself.
        return Verdict.WRONG_HOST
    if knock.method in CHANGING:
        if not came_from_here(knock.headers):
            return Verdict.CROSS_SITE
        if not _body_is_small(knock.headers):
            return Verdict.BODY_TOO_LARGE
    if not needs_login or knock.path.startswith(OPEN_PATHS):
        return Verdict.ALLOWED
    if not door.has_password:
        return Verdict.NO_PASSWORD
    if knock.is_basic:
        return Verdict.ALLOWED
    if knock.session_token is None:
        return Verdict.LOGIN_NEEDED
    if knock.method in CHANGING and knock.sent_token != knock.session_token:
        return Verdict.TOKEN_MISSING
    return Verdict.ALLOWED


def login_needed(knock: Knock, door: Door) -> bool:
    return door.has_password or not door.is_loopback or knock.is_proxied


def _body_is_small(headers: Mapping[str, str]) -> bool:
    if "transfer-encoding" in headers:
        return False
    length = headers.get("content-length", "0")
    return length.isdecimal() and int(length) <= LARGEST_BODY_BYTES
