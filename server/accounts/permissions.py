"""What each role may do: one table. Pure; docs/users.md shows it, and a test compares the two."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final


class Permission(Enum):
    """One thing to be allowed; the value is its name in documents and as a token's scope."""

    SEE_CAMERAS = "cameras:read"
    SEE_SIGHTINGS = "sightings:read"
    EXPORT = "sightings:export"
    CORRECT = "sightings:correct"
    SEE_ALERTS = "alerts:read"
    JUDGE_ALERTS = "alerts:judge"
    SEE_WATCHLISTS = "watchlists:read"
    EDIT_WATCHLISTS = "watchlists:edit"
    MANAGE_CHANNELS = "channels:manage"
    SEE_PEOPLE = "people:read"
    ENROL_PEOPLE = "people:enrol"
    FORGET_PEOPLE = "people:forget"
    SEE_DATA = "data:read"
    DELETE_DATA = "data:delete"
    SEE_SERVER = "server:read"
    OWN_ACCOUNT = "account:own"
    MANAGE_ACCOUNTS = "accounts:manage"
    SEE_AUDIT = "audit:read"

    @property
    def meaning(self) -> str:
        """In words, for documents and pages."""
        return _MEANINGS[self]

    @property
    def demand(self) -> str:
        """What is said to those who lack it."""
        return (
            f"this needs the permission {self.value}, to {self.meaning}: an administrator can give "
            "it, with the account's role"
        )


class Role(Enum):
    """What an account is for; each may do what the one before may, and more."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


_MEANINGS: Final[Mapping[Permission, str]] = {
    Permission.SEE_CAMERAS: "see the cameras: state, health, settings, what is missing",
    Permission.SEE_SIGHTINGS: "see and search sightings, with their pictures and evidence",
    Permission.EXPORT: "take sightings away as CSV or JSON",
    Permission.CORRECT: "correct a reading",
    Permission.SEE_ALERTS: "see alerts; those of persons need people:read too",
    Permission.JUDGE_ALERTS: "acknowledge alerts, say which were false, write notes",
    Permission.SEE_WATCHLISTS: "see what is watched for",
    Permission.EDIT_WATCHLISTS: "make, change and delete watchlists and their entries",
    Permission.MANAGE_CHANNELS: "say where alerts are sent, and try it",
    Permission.SEE_PEOPLE: "look at people's faces, ask who somebody is, see who is enrolled",
    Permission.ENROL_PEOPLE: "enrol people, change what is held on them",
    Permission.FORGET_PEOPLE: "forget people, take away all that is held on one, reset the index",
    Permission.SEE_DATA: "see how much is stored, and what pruning would take",
    Permission.DELETE_DATA: "give up old rows and pictures",
    Permission.SEE_SERVER: "see the server's own state: metrics, health in detail, /docs",
    Permission.OWN_ACCOUNT: "change one's own password, make and end one's own API tokens",
    Permission.MANAGE_ACCOUNTS: "approve, make, change and close accounts, end anybody's tokens",
    Permission.SEE_AUDIT: "read the audit log",
}

_VIEWER: Final = frozenset(
    {
        Permission.SEE_CAMERAS,
        Permission.SEE_SIGHTINGS,
        Permission.SEE_ALERTS,
        Permission.SEE_SERVER,
        Permission.OWN_ACCOUNT,
    }
)
_OPERATOR: Final = _VIEWER | {
    Permission.EXPORT,
    Permission.CORRECT,
    Permission.JUDGE_ALERTS,
    Permission.SEE_WATCHLISTS,
    Permission.EDIT_WATCHLISTS,
    Permission.SEE_PEOPLE,
    Permission.ENROL_PEOPLE,
    Permission.SEE_DATA,
}
TABLE: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: frozenset(Permission),
}

ABOUT_ACCOUNTS: Final = frozenset({Permission.OWN_ACCOUNT, Permission.MANAGE_ACCOUNTS})
"""Only a person who signed in has these: no token can make accounts or further tokens, nor can
whoever merely sits at the server's machine."""

SCOPES: Final = frozenset(Permission) - ABOUT_ACCOUNTS
"""What an API token can be good for."""

THIS_MACHINE: Final = TABLE[Role.OPERATOR] - ABOUT_ACCOUNTS
"""What needs no login where only the server's own machine can reach the pages."""


def may(role: Role, permission: Permission) -> bool:
    """Whether an account of that role may do that."""
    return permission in TABLE[role]


def of_token(role: Role, scopes: frozenset[Permission]) -> frozenset[Permission]:
    """What a token is good for: its scopes, as far as its owner may still do them."""
    return scopes & TABLE[role] & SCOPES
