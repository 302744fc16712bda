"""Signing in, setting up and registering: what somebody may do whom nobody knows yet.

Whatever is wrong, the answer is the same and takes as long: nobody learns which accounts exist.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Final

import structlog

from guarding.lockout import Lockout
from server.accounts import naming
from server.accounts.contract import (
    Action,
    Caller,
    CallerKind,
    SignedIn,
    SignInFailed,
    Standing,
)
from server.accounts.hashing import MOST_WAITING, Hashing
from server.accounts.permissions import TABLE
from server.accounts.store import AccountStore
from server.accounts.users import Credentials
from server.errors import AccountRefused, TooBusy
from server.peer import address_of, place_of

FREE_FAILURES_OF_A_NAME: Final = 10
"""More than of an address: whoever guesses from many addresses locks the account's owner out too,
but not from where the owner signed in before."""
MOST_FAMILIAR: Final = 1024
REGISTRATIONS: Final = 5
"""From one address, then it waits as after wrong passwords."""

_WRONG: Final = (
    "the name or the password is wrong, or an administrator has not approved the account yet"
)
_log = structlog.get_logger(__name__)


class Reception:
    """Implements SigningIn. Lives on the event loop; `clock` is monotonic seconds.

    A restart forgets failures.
    """

    def __init__(
        self,
        store: AccountStore,
        hashing: Hashing,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._hashing = hashing
        self._clock = clock
        self._addresses = Lockout()
        self._names = Lockout(free_failures=FREE_FAILURES_OF_A_NAME)
        self._registrations = Lockout(free_failures=REGISTRATIONS)
        self._familiar: dict[tuple[str, str], None] = {}
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def sign_in(
        self, name: str, password: str, address: str, *, replaced: bytes | None = None
    ) -> SignedIn:
        found = await self._checked(name, password, address)
        return await self._begin(found, address, replaced)

    async def confirm(self, caller: Caller, password: str) -> None:
        """Whether it is the caller's own password; raises as `sign_in` does."""
        await self._checked(caller.name, password, caller.address)

    async def register(self, name: str, password: str, full_name: str, address: str) -> None:
        self._must_not_wait(self._registrations.wait_s(_place(address), self._clock()))
        naming.account_name(name)
        naming.free_text(full_name, what="a full name")
        password_hash = await self._hashing.new_hash(password, name=name)
        self._registrations.failed(_place(address), self._clock())
        await self._store.change(
            lambda book: book.register(_nobody(address), name, password_hash, full_name)
        )

    async def set_up(self, key: str, name: str, password: str, address: str) -> SignedIn:
        self._must_not_wait(self._addresses.wait_s(_place(address), self._clock()))
        password_hash = await self._hashing.new_hash(password, name=naming.account_name(name))
        caller = replace(_nobody(address), name=name)
        try:
            user = await self._store.change(
                lambda book: book.set_up(caller, key, name, password_hash)
            )
        except AccountRefused:
            self._addresses.failed(_place(address), self._clock())
            raise
        return await self._begin(Credentials(user=user, password_hash=password_hash), address, None)

    async def is_set_up(self) -> bool:
        return await self._store.has_admin()

    async def _begin(self, checked: Credentials, address: str, replaced: bytes | None) -> SignedIn:
        user = checked.user
        caller = Caller(
            kind=CallerKind.USER,
            name=user.name,
            address=address,
            permissions=TABLE[user.role],
            user_id=user.id,
            role=user.role,
        )
        try:
            session = await self._store.change(
                lambda book: book.begin_session(caller, checked, replaced=replaced)
            )
        except AccountRefused as error:
            raise SignInFailed(_WRONG, wait_s=0.0) from error
        return SignedIn(session=session, lasts_s=self._store.session_lasts_s, user=user)

    async def _checked(self, name: str, password: str, address: str) -> Credentials:
        """The account whose password it is. One attempt at a time, so that many at once get no
        more guesses than one after the other."""
        async with self._taking_turns():
            self._must_not_wait(self._wait_s(name, address))
            found = await self._store.credentials(name)
            kept = None if found is None else found.password_hash
            is_right = await self._hashing.matches(password, kept)
            if is_right and found is not None and found.user.standing is Standing.ACTIVE:
                self._succeeded(name, address)
                return found
            self._failed(name, address)
        subject = name if naming.is_account_name(name) else "(no account's name)"
        await self._store.audit(_nobody(address), Action.SIGN_IN_FAILED, subject)
        _log.warning("sign-in failed", name=subject, address=address)
        raise SignInFailed(_WRONG, wait_s=self._wait_s(name, address))

    @contextlib.asynccontextmanager
    async def _taking_turns(self) -> AsyncIterator[None]:
        if self._waiting >= MOST_WAITING:
            raise TooBusy("too many people sign in at this moment: try again in a few seconds")
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    def _wait_s(self, name: str, address: str) -> float:
        key, place, now_s = _key(name), _place(address), self._clock()
        of_name = 0.0 if (key, place) in self._familiar else self._names.wait_s(key, now_s)
        return max(self._addresses.wait_s(place, now_s), of_name)

    def _must_not_wait(self, wait_s: float) -> None:
        if wait_s > 0:
            raise SignInFailed(
                f"too many attempts: try again in {round(wait_s + 0.5)} s", wait_s=wait_s
            )

    def _failed(self, name: str, address: str) -> None:
        key, place = _key(name), _place(address)
        self._addresses.failed(place, self._clock())
        if (key, place) not in self._familiar:
            self._names.failed(key, self._clock())

    def _succeeded(self, name: str, address: str) -> None:
        key, place = _key(name), _place(address)
        self._addresses.succeeded(place)
        self._names.succeeded(key)
        if len(self._familiar) >= MOST_FAMILIAR:
            del self._familiar[next(iter(self._familiar))]
        self._familiar[key, place] = None


def _key(name: str) -> str:
    """Of an account, whatever the letters' case; of nonsense, its beginning."""
    return name.casefold()[:64]


def _place(address: str) -> str:
    """Whose failures count together."""
    return place_of(address_of(address)) or "this machine"


def _nobody(address: str) -> Caller:
    return Caller(kind=CallerKind.NOBODY, name="", address=address)
