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
from server.accounts.attempts import Attempt, Attempts
from server.accounts.contract import (
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
from server.device_token import digest_of, new_token
from server.errors import AccountRefused, TooBusy
from server.peer import address_of, place_of

REGISTRATIONS: Final = 5
"""From one address, then it waits as after wrong passwords."""

_WRONG: Final = (
    "the name or the password is wrong, or an administrator has not approved the account yet"
)
_log = structlog.get_logger(__name__)


class Reception:
    """Implements SigningIn. Lives on the event loop; `clock` is monotonic seconds."""

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
        self._attempts = Attempts()
        self._set_ups = Lockout()
        self._registrations = Lockout(free_failures=REGISTRATIONS)
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def sign_in(
        self,
        name: str,
        password: str,
        address: str,
        *,
        replaced: bytes | None = None,
        browser: str | None = None,
    ) -> SignedIn:
        kept = None if browser is None else digest_of(browser)
        found = await self._checked(Attempt(name=name, address=address, browser=kept), password)
        return await self._begin(found, address, replaced, browser)

    async def confirm(self, caller: Caller, password: str) -> None:
        """Whether it is the caller's own password; raises as `sign_in` does."""
        attempt = Attempt(
            name=caller.name, address=caller.address, browser=caller.session, is_inside=True
        )
        await self._checked(attempt, password)
        forgiven = self._attempts.succeeded(attempt)
        await self._store.change(lambda book: book.forgive(forgiven, []))

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
        self._must_not_wait(self._set_ups.wait_s(_place(address), self._clock()))
        password_hash = await self._hashing.new_hash(password, name=naming.account_name(name))
        caller = replace(_nobody(address), name=name)
        try:
            user = await self._store.change(
                lambda book: book.set_up(caller, key, name, password_hash)
            )
        except AccountRefused:
            self._set_ups.failed(_place(address), self._clock())
            raise
        made = Credentials(user=user, password_hash=password_hash)
        return await self._begin(made, address, None, None)

    async def is_set_up(self) -> bool:
        return await self._store.has_admin()

    async def _begin(
        self, checked: Credentials, address: str, replaced: bytes | None, browser: str | None
    ) -> SignedIn:
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
        kept = await self._keep(user.name, address, browser)
        return SignedIn(
            session=session, browser=kept, lasts_s=self._store.session_lasts_s, user=user
        )

    async def _keep(self, name: str, address: str, browser: str | None) -> str:
        """Notes where somebody signed in; returns what the browser is to keep: what it has, where
        that is known for this account, or else something new, which nobody could plant there."""
        attempt = Attempt(
            name=name, address=address, browser=None if browser is None else digest_of(browser)
        )
        if browser is None or not self._attempts.knows_browser(attempt):
            browser = new_token()
            attempt = replace(attempt, browser=digest_of(browser))
        forgiven = self._attempts.succeeded(attempt)
        for place in attempt.places:
            self._attempts.remember(place)
        await self._store.change(lambda book: book.forgive(forgiven, attempt.places))
        return browser

    async def _checked(self, attempt: Attempt, password: str) -> Credentials:
        """The account whose password it is. One attempt at a time, so that many at once get no
        more guesses than one after the other: of several processes, one at a time in each."""
        async with self._taking_turns():
            failures, familiar = await self._store.kept_of(attempt)
            self._attempts.recall(attempt, failures, familiar, self._clock())
            self._must_not_wait(self._attempts.wait_s(attempt, self._clock()))
            found = await self._store.credentials(attempt.name)
            kept = None if found is None else found.password_hash
            is_right = await self._hashing.matches(password, kept)
            if is_right and found is not None and found.user.standing is Standing.ACTIVE:
                return found
            failures = self._attempts.failed(attempt, self._clock())
            name, caller = attempt.name, _nobody(attempt.address)
            subject = name if naming.is_account_name(name) else "(no account's name)"
            await self._store.change(lambda book: book.note_failure(caller, subject, failures))
        _log.warning("sign-in failed", name=subject, address=attempt.address)
        raise SignInFailed(_WRONG, wait_s=self._attempts.wait_s(attempt, self._clock()))

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

    def _must_not_wait(self, wait_s: float) -> None:
        if wait_s > 0:
            raise SignInFailed(
                f"too many attempts: try again in {round(wait_s + 0.5)} s", wait_s=wait_s
            )


def _place(address: str) -> str:
    """Whose failures count together."""
    return place_of(address_of(address)) or "this machine"


def _nobody(address: str) -> Caller:
    return Caller(kind=CallerKind.NOBODY, name="", address=address)
