"""Accounts on a real database, with a clock that the test sets."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guarding.passwords import Cost
from server.account_side import accounts_in_postgres, accounts_in_sqlite
from server.accounts.contract import Caller, CallerKind, User
from server.accounts.hashing import Hashing
from server.accounts.lifetimes import Lifetimes
from server.accounts.office import Office
from server.accounts.permissions import TABLE, Role
from server.accounts.reception import Reception
from server.accounts.store import AccountStore
from server.device_token import digest_of
from server.storage.adoption import prepare_database
from server.storage.postgres.pool import opened_pool
from tests.server.storage.stores import Inside, Place

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
    url: str | None
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

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[Inside]:
        """The database as another program sees it."""
        async with Place(self.path.parent, self.url).inside() as inside:
            yield inside


ADMIN = Caller(
    kind=CallerKind.USER, name="root", address=ADDRESS, permissions=TABLE[Role.ADMIN], user_id=0
)


@contextlib.asynccontextmanager
async def house_in(folder: Path, url: str | None) -> AsyncIterator[House]:
    """In PostgreSQL where there is a `url`."""
    path, clock = folder / "server.db", Clock()
    async with contextlib.AsyncExitStack() as opened:
        if url is None:
            prepare_database(path, zone_of=lambda _: UTC, now=clock.now())
            store = accounts_in_sqlite(path, Lifetimes(), clock.now)
        else:
            pool = await opened.enter_async_context(opened_pool(url, connections=4))
            store = accounts_in_postgres(pool, pool, Lifetimes(), clock.now)
        opened.push_async_callback(store.close)
        hashing = Hashing(CHEAP)
        opened.callback(hashing.close)
        reception = Reception(store, hashing, clock=clock.seconds)
        office = Office(store, hashing, reception)
        yield House(path, url, store, hashing, reception, office, clock)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path, None) as opened:
        yield opened


@pytest.fixture
async def either(url: str | None, tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path, url) as opened:
        yield opened
