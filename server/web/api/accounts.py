"""/api/v1: who I am, my tokens, accounts, and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, Field

from server.accounts.contract import (
    Accounts,
    Action,
    ApiToken,
    AuditEntry,
    Auditor,
    Caller,
    CallerKind,
    Standing,
    User,
)
from server.accounts.permissions import Permission, Role
from server.errors import AccountRefused
from server.row_id import LARGEST_ID
from server.web.api.moments import moment
from server.web.api.section import Section
from server.web.api.wanted import Wanted
from server.web.security.demands import CurrentCaller, open_to_all, requires

Number = Annotated[int, Path(ge=1, le=LARGEST_ID)]
"""Of a row."""
_OWN = [requires(Permission.OWN_ACCOUNT)]
_MANAGE = [requires(Permission.MANAGE_ACCOUNTS)]


class Me(BaseModel):
    """`role` is that of the account, also behind a token."""

    name: str
    kind: CallerKind
    role: Role | None
    permissions: list[Permission]


class Account(BaseModel):
    id: int
    name: str
    full_name: str
    role: Role
    standing: Standing
    created_at: datetime
    last_sign_in_at: datetime | None


class NewAccount(Wanted):
    name: str = Field(examples=["anna"])
    password: str = Field(examples=["correct horse battery"])
    role: Role = Role.VIEWER
    full_name: str = Field("", examples=["Anna Kowalska"])


class AccountChange(Wanted):
    """What is left out stays as it is. Setting `standing` to active approves a pending account."""

    role: Role | None = None
    standing: Standing | None = None


class NewPassword(Wanted):
    password: str


class OwnNewPassword(Wanted):
    old: str
    new: str


class Token(BaseModel):
    """All that is known of a token but the token itself."""

    id: int
    owner: str
    name: str
    scopes: list[Permission]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewToken(Wanted):
    """`expires_at` needs its offset; left out: the token does not expire."""

    name: str = Field(examples=["grafana"])
    scopes: list[Permission] = Field(examples=[["server:read"]])
    expires_at: datetime | None = Field(None, examples=["2027-01-01T00:00:00Z"])


class MadeToken(BaseModel):
    """The only time that it is shown."""

    token: str


class Done(BaseModel):
    status: str = "success"
    message: str


class Entry(BaseModel):
    id: int
    at: datetime
    actor: str
    actor_kind: CallerKind
    address: str
    action: Action
    subject: str
    detail: str


class Entries(BaseModel):
    """Newest first; `next_before` asks for those that follow."""

    entries: list[Entry]
    next_before: int | None


def add_accounts(app: FastAPI, accounts: Accounts, auditor: Auditor) -> None:
    router = Section(prefix="/api/v1")
    _add_own(router, accounts)
    _add_users(router, accounts)
    _add_audit(router, auditor)
    router.put_into(app)


def _add_own(router: Section, accounts: Accounts) -> None:
    @router.get(
        "/me", dependencies=[open_to_all("says only who the caller is")], tags=["own account"]
    )
    async def me(caller: CurrentCaller) -> Me:
        """Who asks, and what they may do."""
        permissions = sorted(caller.permissions, key=lambda each: each.value)
        return Me(name=caller.name, kind=caller.kind, role=caller.role, permissions=permissions)

    @router.put("/me/password", dependencies=_OWN, tags=["own account"])
    async def change_password(caller: CurrentCaller, asked: OwnNewPassword) -> Done:
        """Changes the caller's password and ends all their other sessions."""
        await accounts.change_own_password(caller, asked.old, asked.new)
        return Done(message="the password is changed; all other sessions have ended")

    @router.get("/me/tokens", dependencies=_OWN, tags=["own account"])
    async def own_tokens(caller: CurrentCaller) -> list[Token]:
        """The caller's API tokens, newest first, also revoked ones."""
        return [_token(each) for each in await accounts.list_tokens(caller.user_id)]

    @router.post("/me/tokens", dependencies=_OWN, status_code=201, tags=["own account"])
    async def make_token(caller: CurrentCaller, asked: NewToken) -> MadeToken:
        """An API token that may do what its scopes name and its owner may."""
        expires_at = asked.expires_at
        if expires_at is not None and expires_at.tzinfo is None:
            raise AccountRefused(
                f"expires_at={expires_at.isoformat()}: expected an offset, such as "
                f"{expires_at.isoformat()}Z"
            )
        token = await accounts.make_token(caller, asked.name, frozenset(asked.scopes), expires_at)
        return MadeToken(token=token)

    @router.delete("/tokens/{token_id}", dependencies=_OWN, tags=["own account"])
    async def revoke_token(caller: CurrentCaller, token_id: Number) -> Done:
        """Ends a token: one's own, or anybody's with accounts:manage."""
        await accounts.revoke_token(caller, token_id)
        return Done(message=f"token {token_id} is revoked")


def _add_users(router: Section, accounts: Accounts) -> None:
    @router.get("/users", dependencies=_MANAGE, tags=["accounts"])
    async def list_users() -> list[Account]:
        """All accounts, pending ones first."""
        return [_account(each) for each in await accounts.list_users()]

    @router.post("/users", dependencies=_MANAGE, status_code=201, tags=["accounts"])
    async def make_user(caller: CurrentCaller, asked: NewAccount) -> Account:
        """Makes an account that may sign in at once."""
        return _account(
            await accounts.make_user(
                caller, asked.name, asked.password, asked.role, asked.full_name
            )
        )

    @router.patch("/users/{user_id}", dependencies=_MANAGE, tags=["accounts"])
    async def change_user(caller: CurrentCaller, user_id: Number, asked: AccountChange) -> Account:
        """Approves, disables, enables an account, or changes its role."""
        return _account(await _changed(accounts, caller, user_id, asked))

    @router.put("/users/{user_id}/password", dependencies=_MANAGE, tags=["accounts"])
    async def set_password(caller: CurrentCaller, user_id: Number, asked: NewPassword) -> Done:
        """Sets somebody's password and ends all their sessions."""
        await accounts.set_password(caller, user_id, asked.password)
        return Done(message="the password is set; the account's sessions have ended")

    @router.delete("/users/{user_id}", dependencies=_MANAGE, tags=["accounts"])
    async def reject(caller: CurrentCaller, user_id: Number) -> Done:
        """Rejects an account that waits for approval. Others are disabled, not deleted: the audit
        log speaks of them."""
        await accounts.reject(caller, user_id)
        return Done(message="the account is rejected")

    @router.get("/tokens", dependencies=_MANAGE, tags=["accounts"])
    async def all_tokens() -> list[Token]:
        """Everybody's API tokens, newest first, also revoked ones."""
        return [_token(each) for each in await accounts.list_tokens()]


async def _changed(
    accounts: Accounts, caller: Caller, user_id: Number, asked: AccountChange
) -> User:
    if asked.standing is not None:
        return await accounts.set_standing(caller, user_id, asked.standing, asked.role)
    if asked.role is not None:
        return await accounts.set_role(caller, user_id, asked.role)
    raise AccountRefused("nothing to change: send role, standing or both")


def _add_audit(router: Section, auditor: Auditor) -> None:
    @router.get("/audit", dependencies=[requires(Permission.SEE_AUDIT)], tags=["audit"])
    async def audit(
        before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        actor: Annotated[str | None, Query(max_length=200)] = None,
        action: Action | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Entries:
        """Who did what, newest first; times without offset are UTC."""
        page = await auditor.audit_page(
            before=before,
            limit=limit,
            actor=actor,
            action=action,
            since=moment("since", since, UTC),
            until=moment("until", until, UTC),
        )
        return Entries(
            entries=[_entry(each) for each in page.entries], next_before=page.next_before
        )


def _account(user: User) -> Account:
    return Account(
        id=user.id,
        name=user.name,
        full_name=user.full_name,
        role=user.role,
        standing=user.standing,
        created_at=user.created_at,
        last_sign_in_at=user.last_sign_in_at,
    )


def _token(token: ApiToken) -> Token:
    return Token(
        id=token.id,
        owner=token.owner,
        name=token.name,
        scopes=sorted(token.scopes, key=lambda each: each.value),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        revoked_at=token.revoked_at,
    )


def _entry(entry: AuditEntry) -> Entry:
    return Entry(
        id=entry.id,
        at=entry.at,
        actor=entry.actor,
        actor_kind=entry.actor_kind,
        address=entry.address,
        action=entry.action,
        subject=entry.subject,
        detail=entry.detail,
    )
