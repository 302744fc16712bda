"""Accounts on a real database, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guarding.passwords import Cost
from server.accounts.contract import Caller, CallerKind, User
from server.accounts.hashing import Hashing
from server.accounts.lifetimes import Lifetimes
from server.accounts.office import Office
from server.accounts.permissions import TABLE, Role
from server.accounts.reception import Reception
from server.accounts.store import AccountStore
from server.device_token import digest_of
from server.storage.adoption import prepare_database

CHEAP = Cost(passes=1, memory_kib=8)
"""Hundreds of tests sign in: their passwords are kept in the same way and for a fraction."""
PASSWORD = "correct horse battery"
ADDRESS = "192.0.2.7"


@dataclass
class Clock:
    """Both clocks of accounts: the time of day, and monotonic seconds."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))

    def now(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()

    def later(self, **given: float) -> None:
        self.moment += timedelta(**given)


@dataclass
class House:
    """All of accounts, joined as the server joins them."""

    path: Path
    store: AccountStore
    hashing: Hashing
    reception: Reception
    office: Office
    clock: Clock

    async def user(self, name: str, role: Role = Role.VIEWER) -> User:
        return await self.office.make_user(ADMIN, name, PASSWORD, role)

    async def caller(self, name: str, address: str = ADDRESS) -> Caller:
        """Signed in as `name`."""
        signed_in = await self.reception.sign_in(name, PASSWORD, address)
        caller = await self.store.caller_of(digest_of(signed_in.session), address)
        assert caller is not None
        return caller

    async def actions(self) -> list[tuple[str, str, str]]:
        """What was audited: actor, action, subject; oldest first."""
        page = await self.store.audit_page()
        return [
            (entry.actor, entry.action.value, entry.subject) for entry in reversed(page.entries)
        ]


ADMIN = Caller(
    kind=CallerKind.USER, name="root", address=ADDRESS, permissions=TABLE[Role.ADMIN], user_id=0
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    path, clock = tmp_path / "server.db", Clock()
    prepare_database(path, zone_of=lambda _: UTC, now=clock.now())
    store = AccountStore(path, Lifetimes(), clock.now)
    hashing = Hashing(CHEAP)
    reception = Reception(store, hashing, clock=clock.seconds)
    yield House(path, store, hashing, reception, Office(store, hashing, reception), clock)
    hashing.close()
    await store.close()
