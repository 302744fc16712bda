"""What the web meets of accounts: values, and the promises of each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from server.accounts.permissions import Permission, Role
from server.errors import AccountRefused

SHORTEST_PASSWORD: Final = 10
"""Characters."""


class CallerKind(Enum):
    """How a caller was known."""

    USER = "user"
    TOKEN = "token"  # noqa: S105 (a kind of caller)
    MACHINE = "machine"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and what they may do; every request has one.

    `name` is what the audit log calls them: the account's, `ACCOUNT/TOKEN` of an API token,
    `this machine`, or `` of nobody. `role` and `user_id` are those of the account, also behind a
    token. `address` is where they ask from. `session` names the session to
    `Accounts.end_session`, `None` for all but people who signed in.
    """

    kind: CallerKind
    name: str
    address: str
    permissions: frozenset[Permission] = frozenset()
    user_id: int | None = None
    role: Role | None = None
    session: bytes | None = None

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


class Standing(Enum):
    """Whether an account may sign in."""

    PENDING = "pending"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. Times are UTC; `full_name` is free text of the person's own."""

    id: int
    name: str
    full_name: str
    role: Role
    standing: Standing
    created_at: datetime
    last_sign_in_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What is known of a program's token: all but the token. `expires_at` None: it does not."""

    id: int
    owner_id: int
    owner: str
    name: str
    scopes: frozenset[Permission]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Action(Enum):
    """What the audit log holds."""

    SIGN_IN = "sign-in"
    SIGN_IN_FAILED = "sign-in failed"
    SIGN_OUT = "sign-out"
    REGISTERED = "registered"
    ACCOUNT_MADE = "account made"
    ACCOUNT_APPROVED = "account approved"
    ACCOUNT_REJECTED = "account rejected"
    ACCOUNT_DISABLED = "account disabled"
    ACCOUNT_ENABLED = "account enabled"
    ROLE_CHANGED = "role changed"
    PASSWORD_CHANGED = "password changed"  # noqa: S105 (an action's name)
    TOKEN_MADE = "token made"  # noqa: S105 (likewise)
    TOKEN_REVOKED = "token revoked"  # noqa: S105 (likewise)
    EXPORT = "export"
    REPORT_TAKEN = "report taken"
    CORRECTION = "correction"
    DELETION = "deletion"
    WATCHLIST_CHANGED = "watchlist changed"
    ALERT_JUDGED = "alert judged"
    CHANNEL_CHANGED = "channel changed"
    PERSON_SEEN = "person seen"
    PERSON_ENROLLED = "person enrolled"
    PERSON_CHANGED = "person changed"
    PERSON_EXPORTED = "person exported"
    PERSON_FORGOTTEN = "person forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A line of the audit log: who did what to what, from where; `detail` is free text."""

    id: int
    at: datetime
    actor: str
    actor_kind: CallerKind
    address: str
    action: Action
    subject: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Entries, newest first; `next_before` asks for those that follow, None: there are none."""

    entries: Sequence[AuditEntry]
    next_before: int | None


class SignInFailed(AccountRefused):
    """Nobody is signed in; `wait_s` is above 0 where the next attempt has to wait."""

    def __init__(self, text: str, *, wait_s: float = 0.0) -> None:
        super().__init__(text)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """`session` is what the browser keeps, for at most `lasts_s`; shown to nobody else. `browser`
    it keeps for long: by it the account's owner gets in from there while others guess."""

    session: str
    browser: str
    lasts_s: int
    user: User


class Auditor(Protocol):
    """Where it is written down who did what."""

    async def audit(
        self, caller: Caller, action: Action, subject: str = "", detail: str = ""
    ) -> None:
        """Writes an entry; returns once it is on disk.

        Call it before anything leaves (an export, a person's picture) or is changed: raises
        StorageUnavailable, and what cannot be written down must not happen. Raises AccountRefused
        where somebody who signed in has been signed out since, or may no longer do that: a page
        may be open for long.
        """
        ...

    async def audit_page(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        actor: str | None = None,
        action: Action | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AuditPage:
        """Entries with an id below `before`, of that actor and action, `since` <= at < `until`.

        Raises StorageUnavailable.
        """
        ...


class Accounts(Protocol):
    """What a person does with accounts. Every change is audited in the same transaction.

    All raise StorageUnavailable where the database cannot be used now, and AccountRefused with
    what to do instead where something cannot be done as asked.
    """

    async def list_users(self) -> Sequence[User]:
        """All accounts by name, pending ones first."""
        ...

    async def make_user(
        self, caller: Caller, name: str, password: str, role: Role, full_name: str = ""
    ) -> User:
        """An account that may sign in at once."""
        ...

    async def set_standing(
        self, caller: Caller, user_id: int, standing: Standing, role: Role | None = None
    ) -> User:
        """Approves, disables or enables an account, with `role` where one is given.

        Disabling ends its sessions and open pages within seconds. The last admin that is active
        stays so.
        """
        ...

    async def reject(self, caller: Caller, user_id: int) -> None:
        """Deletes an account that is pending."""
        ...

    async def set_role(self, caller: Caller, user_id: int, role: Role) -> User:
        """Counts from the account's next request on. The last active admin stays one."""
        ...

    async def set_password(self, caller: Caller, user_id: int, password: str) -> None:
        """Somebody else's password, by an admin; ends all of that account's sessions."""
        ...

    async def change_own_password(self, caller: Caller, old: str, new: str) -> None:
        """Ends every other session of the account; wrong `old` ones count as failed sign-ins."""
        ...

    async def list_tokens(self, owner_id: int | None = None) -> Sequence[ApiToken]:
        """All tokens, also revoked ones, or those of one account; newest first."""
        ...

    async def make_token(
        self,
        caller: Caller,
        name: str,
        scopes: frozenset[Permission],
        expires_at: datetime | None = None,
    ) -> str:
        """A token of the caller's account, to be shown once; only its hash is kept."""
        ...

    async def revoke_token(self, caller: Caller, token_id: int) -> None:
        """Ends a token: one's own, or anybody's with MANAGE_ACCOUNTS."""
        ...

    async def end_session(self, caller: Caller) -> None:
        """Signs the caller out."""
        ...


class SigningIn(Protocol):
    """What somebody does whom nobody knows yet. All raise TooBusy and StorageUnavailable."""

    async def sign_in(
        self,
        name: str,
        password: str,
        address: str,
        *,
        replaced: bytes | None = None,
        browser: str | None = None,
    ) -> SignedIn:
        """A new session; the one that the browser brought, `replaced`, ends. `browser` is what it
        kept of an earlier SignedIn.

        Raises SignInFailed, with the same words whatever is wrong.
        """
        ...

    async def register(self, name: str, password: str, full_name: str, address: str) -> None:
        """An account that waits for approval; the same where the name is taken.

        Raises AccountRefused, SignInFailed where the address asked too often.
        """
        ...

    async def set_up(self, key: str, name: str, password: str, address: str) -> SignedIn:
        """Makes the first admin and signs them in. Raises AccountRefused, SignInFailed."""
        ...

    async def is_set_up(self) -> bool:
        """Whether there is an active admin."""
        ...
