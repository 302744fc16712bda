"""Every change of accounts: checked, carried out and audited, all of it or nothing.

For whoever has a transaction: the server's store, and the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from guarding.passwords import COST, Cost, hash_of
from server.accounts import (
    api_tokens,
    attempt_rows,
    audit,
    naming,
    sessions,
    setup_links,
    users,
)
from server.accounts.attempts import Failures, Familiar
from server.accounts.contract import Action, Caller, CallerKind, Standing, User
from server.accounts.noting import Note
from server.accounts.permissions import SCOPES, Permission, Role
from server.accounts.users import Credentials
from server.errors import AccountRefused
from server.storage.asking import Writer

LAST_YEAR: Final = 2199
MOST_PENDING: Final = 100
"""Accounts that wait for approval; beyond these nobody registers."""

COMMAND_LINE: Final = Caller(
    kind=CallerKind.MACHINE,
    name="command line",
    address="this machine",
    permissions=frozenset(Permission),
)
"""Who may write into the database may do everything anyhow."""


def new_hash(password: str, *, name: str, cost: Cost = COST) -> str:
    """The hash of a password that may be one; raises AccountRefused. Takes about 50 ms."""
    return hash_of(naming.password(password, name=name), cost)


class AccountBook:
    """Within one transaction of whoever made it, which is rolled back where a change raises
    anything. All raise AccountRefused."""

    def __init__(self, writer: Writer, now: Callable[[], datetime]) -> None:
        self._writer = writer
        self._now = now

    @contextmanager
    def _change(
        self, caller: Caller, action: Action, subject: str, detail: str = ""
    ) -> Iterator[Writer]:
        yield self._writer
        audit.write(self._writer, caller, action, subject, detail, self._now())

    def note(self, caller: Caller, action: Action, subject: str = "", detail: str = "") -> None:
        """An entry alone."""
        audit.write(self._writer, caller, action, subject, detail, self._now())

    def note_failure(self, caller: Caller, subject: str, failures: Sequence[Failures]) -> None:
        """An attempt to sign in that failed, with what is counted of it."""
        with self._change(caller, Action.SIGN_IN_FAILED, subject) as writer:
            attempt_rows.write_failures(writer, failures, self._now())

    def forgive(self, forgiven: Sequence[Failures], familiar: Sequence[Familiar]) -> None:
        """Somebody showed from there that it is their account."""
        attempt_rows.forgive(self._writer, forgiven, familiar, self._now())

    def note_all(self, notes: Sequence[Note]) -> None:
        """Several entries."""
        for each in notes:
            self.note(each.caller, each.action, each.subject, each.detail)

    def make_user(
        self, caller: Caller, name: str, password_hash: str, role: Role, full_name: str = ""
    ) -> User:
        with self._change(caller, Action.ACCOUNT_MADE, name, role.value) as writer:
            return self._insert(writer, name, password_hash, role, full_name, Standing.ACTIVE)

    def register(self, caller: Caller, name: str, password_hash: str, full_name: str) -> None:
        """A pending account. A name that is taken is passed over: nobody learns who is here."""
        naming.account_name(name)
        with self._change(caller, Action.REGISTERED, name) as writer:
            if users.count(writer, standing=Standing.PENDING) >= MOST_PENDING:
                raise AccountRefused(
                    "too many accounts wait for approval already: ask the administrator"
                )
            if users.credentials(writer, name) is None:
                self._insert(writer, name, password_hash, Role.VIEWER, full_name, Standing.PENDING)

    def set_up(self, caller: Caller, key: str, name: str, password_hash: str) -> User:
        """The first admin, by the one-time link, which is used up."""
        with self._change(caller, Action.ACCOUNT_MADE, name, "by the set-up link") as writer:
            is_good = setup_links.is_good(writer, key, self._now())
            if not is_good or self._has_admin():
                raise AccountRefused(
                    "this set-up link is used up or too old: start the server again for a new "
                    "one, or write: python -m server user add NAME --role admin"
                )
            setup_links.end_all(writer)
            return self._insert(writer, name, password_hash, Role.ADMIN, "", Standing.ACTIVE)

    def _insert(
        self,
        writer: Writer,
        name: str,
        password_hash: str,
        role: Role,
        full_name: str,
        standing: Standing,
    ) -> User:
        return users.insert(
            writer,
            name=naming.account_name(name),
            full_name=naming.free_text(full_name, what="a full name"),
            role=role,
            standing=standing,
            password_hash=password_hash,
            now=self._now(),
        )

    def new_setup_key(self) -> str | None:
        """Of a new link, where there is no active admin yet; None where there is."""
        if self._has_admin():
            return None
        return setup_links.make(self._writer, self._now())

    def _has_admin(self) -> bool:
        return users.count(self._writer, standing=Standing.ACTIVE, role=Role.ADMIN) > 0

    def set_standing(
        self, caller: Caller, user_id: int, standing: Standing, role: Role | None = None
    ) -> User:
        held = users.user(self._writer, user_id)
        if standing is Standing.PENDING:
            raise AccountRefused("an account does not become pending again: disable it")
        detail = (role or held.role).value
        with self._change(caller, _action(held.standing, standing), held.name, detail) as changed:
            users.update(changed, user_id, standing=standing, role=role)
            self._keep_an_admin(held)
            if standing is Standing.DISABLED:
                sessions.end_all_of(changed, user_id)
            return users.user(changed, user_id)

    def reject(self, caller: Caller, user_id: int) -> None:
        with self._change(caller, Action.ACCOUNT_REJECTED, self._name(user_id)) as writer:
            if users.user(writer, user_id).standing is not Standing.PENDING:
                raise AccountRefused("only an account that is pending is rejected: disable it")
            users.delete(writer, user_id)

    def set_role(self, caller: Caller, user_id: int, role: Role) -> User:
        held = users.user(self._writer, user_id)
        with self._change(caller, Action.ROLE_CHANGED, held.name, role.value) as writer:
            users.update(writer, user_id, role=role)
            self._keep_an_admin(held)
            return users.user(writer, user_id)

    def _keep_an_admin(self, changed: User) -> None:
        was_admin = changed.role is Role.ADMIN and changed.standing is Standing.ACTIVE
        if was_admin and not self._has_admin():
            raise AccountRefused(
                f"{changed.name} is the last admin: make another one first, or nobody could "
                "manage accounts any more"
            )

    def set_password(
        self, caller: Caller, user_id: int, password_hash: str, *, but: bytes | None = None
    ) -> None:
        """Ends the account's sessions, all `but` that one."""
        with self._change(caller, Action.PASSWORD_CHANGED, self._name(user_id)) as writer:
            users.update(writer, user_id, password_hash=password_hash)
            sessions.end_all_of(writer, user_id, but=but)

    def _name(self, user_id: int) -> str:
        return users.user(self._writer, user_id).name

    def make_token(
        self,
        caller: Caller,
        owner_id: int,
        name: str,
        scopes: frozenset[Permission],
        expires_at: datetime | None,
    ) -> str:
        name = naming.token_name(name)
        if not scopes or not scopes <= SCOPES:
            allowed = ", ".join(sorted(scope.value for scope in SCOPES))
            raise AccountRefused(f"a token needs at least one scope, of these: {allowed}")
        if expires_at is not None and expires_at <= self._now():
            raise AccountRefused("the token would have expired already: choose a later day")
        if expires_at is not None and expires_at.year > LAST_YEAR:
            raise AccountRefused(f"a token lasts until {LAST_YEAR}, or for ever: leave its end out")
        detail = " ".join(sorted(scope.value for scope in scopes))
        with self._change(caller, Action.TOKEN_MADE, name, detail) as writer:
            return api_tokens.make(
                writer,
                owner_id=owner_id,
                name=name,
                scopes=scopes,
                expires_at=expires_at,
                now=self._now(),
            )

    def revoke_token(self, caller: Caller, token_id: int) -> None:
        held = api_tokens.token(self._writer, token_id)
        if held.owner_id != caller.user_id and not caller.may(Permission.MANAGE_ACCOUNTS):
            raise AccountRefused(f"there is no token number {token_id}")
        subject = f"{held.owner}/{held.name}"
        with self._change(caller, Action.TOKEN_REVOKED, subject) as writer:
            api_tokens.revoke(writer, token_id, self._now())

    def begin_session(self, caller: Caller, checked: Credentials, *, replaced: bytes | None) -> str:
        """A new session, whatever the browser brought; the one it had ends.

        AccountRefused where the account is not as it was `checked`: its password was changed or
        it was disabled meanwhile, and no session of before may begin after that.
        """
        user_id = checked.user.id
        with self._change(caller, Action.SIGN_IN, caller.name) as writer:
            present = users.credentials(writer, checked.user.name)
            if (
                present is None
                or present.user.standing is not Standing.ACTIVE
                or present.password_hash != checked.password_hash
            ):
                raise AccountRefused("the account was changed meanwhile: sign in again")
            if replaced is not None:
                sessions.end(writer, replaced)
            users.update(writer, user_id, signed_in_at=self._now())
            return sessions.begin(writer, user_id, caller.address, self._now())

    def end_session(self, caller: Caller, session: bytes) -> None:
        with self._change(caller, Action.SIGN_OUT, caller.name) as writer:
            sessions.end(writer, session)


def _action(before: Standing, after: Standing) -> Action:
    if after is Standing.DISABLED:
        return Action.ACCOUNT_DISABLED
    return Action.ACCOUNT_APPROVED if before is Standing.PENDING else Action.ACCOUNT_ENABLED
