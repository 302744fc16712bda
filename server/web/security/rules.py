"""Who gets past the gate, from the facts of a request. Pure.

The gate knows no pages: it lets nobody in whom it does not know, but to the few paths by which
people become known. What a known caller may do is each route's own demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from guarding.origin import came_from_here, names_this_machine
from server.accounts.contract import Caller, CallerKind
from server.accounts.permissions import THIS_MACHINE
from server.web.security.knock import Knock

OPEN_PATHS: Final = ("/login", "/register", "/setup", "/health", "/health/live", "/health/ready")
"""Answered to everybody; each exactly, and no path below it."""
OPEN_FOLDERS: Final = ("/static/",)
"""What the pages that are open need to look like anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How the server is reached: `trusts_this_machine` where it listens on loopback alone and
    tokens are not demanded there too."""

    trusts_this_machine: bool


class Verdict(Enum):
    """What becomes of a request; the value is the HTTP status and what is said."""

    ALLOWED = (200, "")
    WRONG_HOST = (
        421,
        (
            "without signing in this server answers to localhost only: open http://127.0.0.1 with "
            "its port, or sign in at /login"
        ),
    )
    CROSS_SITE = (403, "the request came from another web page and was not carried out")
    NO_ORIGIN = (
        403,
        (
            "a change in a browser's session needs the Origin header; programs use an API token "
            "('Authorization: Bearer TOKEN')"
        ),
    )
    SIGN_IN_NEEDED = (
        401,
        "sign in first: at /login, or with an API token as 'Authorization: Bearer TOKEN'",
    )
    BAD_TOKEN = (401, "this token is unknown, was revoked or has expired")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def text(self) -> str:
        return self.value[1]


def caller_at(knock: Knock, door: Door, known: Caller | None) -> Caller:
    """Who it is: whoever the proof names, else this machine where that is trusted, else nobody.

    Who brought a bad token is nobody, also on this machine.
    """
    if known is not None:
        return known
    has_bad_token = knock.proof is not None and not knock.is_by_cookie
    if door.trusts_this_machine and knock.is_direct and not has_bad_token:
        return Caller(
            kind=CallerKind.MACHINE,
            name="this machine",
            address=knock.address,
            permissions=THIS_MACHINE,
        )
    return Caller(kind=CallerKind.NOBODY, name="", address=knock.address)


def judge(knock: Knock, caller: Caller) -> Verdict:
    """The first rule that is broken decides."""
    if caller.kind is CallerKind.MACHINE and not names_this_machine(knock.headers.get("host", "")):
        # A page elsewhere whose name was made to point here (DNS rebinding) names itself.
        return Verdict.WRONG_HOST
    if not _came_rightly(knock):
        return Verdict.CROSS_SITE
    if is_open(knock.path):
        return Verdict.ALLOWED
    if knock.is_changing and knock.is_by_cookie and not _says_where_from(knock):
        return Verdict.NO_ORIGIN
    if caller.kind is not CallerKind.NOBODY:
        return Verdict.ALLOWED
    if knock.proof is not None and not knock.is_by_cookie:
        return Verdict.BAD_TOKEN
    return Verdict.SIGN_IN_NEEDED


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def _came_rightly(knock: Knock) -> bool:
    """No other page changes anything, nor takes anything into itself; its links may lead here."""
    if knock.is_changing:
        return came_from_here(knock.headers)
    site = knock.headers.get("sec-fetch-site", "none")
    is_link = knock.headers.get("sec-fetch-mode") == "navigate"
    is_whole_page = knock.headers.get("sec-fetch-dest", "document") == "document"
    return site in ("same-origin", "none") or (is_link and is_whole_page)


def _says_where_from(knock: Knock) -> bool:
    return "origin" in knock.headers or "sec-fetch-site" in knock.headers
