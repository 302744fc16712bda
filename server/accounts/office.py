"""What a person does with accounts: their own, and, as an admin, those of others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from server.accounts.contract import ApiToken, Caller, Standing, User
from server.accounts.hashing import Hashing
from server.accounts.permissions import Permission, Role
from server.accounts.reception import Reception
from server.accounts.store import AccountStore
from server.errors import AccountRefused


class Office:
    """Implements Accounts. The route or page that asks decided who may do what; a page may have
    been open for long, so that it is looked at once more."""

    def __init__(self, store: AccountStore, hashing: Hashing, reception: Reception) -> None:
        self._store = store
        self._hashing = hashing
        self._reception = reception

    async def list_users(self) -> Sequence[User]:
        return await self._store.list_users()

    async def make_user(
        self, caller: Caller, name: str, password: str, role: Role, full_name: str = ""
    ) -> User:
        await self._store.still(caller, Permission.MANAGE_ACCOUNTS)
        password_hash = await self._hashing.new_hash(password, name=name)
        return await self._store.change(
            lambda book: book.make_user(caller, name, password_hash, role, full_name)
        )

    async def set_standing(
        self, caller: Caller, user_id: int, standing: Standing, role: Role | None = None
    ) -> User:
        await self._store.still(caller, Permission.MANAGE_ACCOUNTS)
        return await self._store.change(
            lambda book: book.set_standing(caller, user_id, standing, role)
        )

    async def reject(self, caller: Caller, user_id: int) -> None:
        await self._store.still(caller, Permission.MANAGE_ACCOUNTS)
        await self._store.change(lambda book: book.reject(caller, user_id))

    async def set_role(self, caller: Caller, user_id: int, role: Role) -> User:
        await self._store.still(caller, Permission.MANAGE_ACCOUNTS)
        return await self._store.change(lambda book: book.set_role(caller, user_id, role))

    async def set_password(self, caller: Caller, user_id: int, password: str) -> None:
        await self._store.still(caller, Permission.MANAGE_ACCOUNTS)
        user = await self._store.user(user_id)
        password_hash = await self._hashing.new_hash(password, name=user.name)
        await self._store.change(lambda book: book.set_password(caller, user_id, password_hash))

    async def change_own_password(self, caller: Caller, old: str, new: str) -> None:
        user_id = _own_id(caller)
        await self._reception.confirm(caller, old)
        password_hash = await self._hashing.new_hash(new, name=caller.name)
        await self._store.change(
            lambda book: book.set_password(caller, user_id, password_hash, but=caller.session)
        )

    async def list_tokens(self, owner_id: int | None = None) -> Sequence[ApiToken]:
        return await self._store.list_tokens(owner_id)

    async def make_token(
        self,
        caller: Caller,
        name: str,
        scopes: frozenset[Permission],
        expires_at: datetime | None = None,
    ) -> str:
        owner_id = _own_id(caller)
        await self._store.still(caller, Permission.OWN_ACCOUNT)
        return await self._store.change(
            lambda book: book.make_token(caller, owner_id, name, scopes, expires_at)
        )

    async def revoke_token(self, caller: Caller, token_id: int) -> None:
        await self._store.still(caller, Permission.OWN_ACCOUNT)
        await self._store.change(lambda book: book.revoke_token(caller, token_id))

    async def end_session(self, caller: Caller) -> None:
        session = caller.session
        if session is not None:
            await self._store.change(lambda book: book.end_session(caller, session))


def _own_id(caller: Caller) -> int:
    if caller.user_id is None or caller.session is None:
        raise AccountRefused("only somebody who signed in has an account: sign in first")
    return caller.user_id
