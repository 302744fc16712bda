"""A post office on a real database, with a clock that the test sets."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from server.account_side import accounts_in_sqlite
from server.accounts.contract import Caller, CallerKind
from server.accounts.lifetimes import Lifetimes
from server.accounts.permissions import TABLE, Role
from server.accounts.store import AccountStore
from server.bell import Bell
from server.channels.contract import Channel, ChannelDetails, ChannelKind
from server.channels.desk import ChannelDesk
from server.channels.postman import Postman, PostmanParts
from server.storage.channels import StoredChannels
from server.storage.writing_thread import SqliteWriting
from server.watch_side import tellers_of
from tests.server.cameras import jpeg
from tests.server.conftest import settings_in
from tests.server.storage.history import NOON, plate
from tests.server.watchlist.watching import Watch, watching_in

ADMIN = Caller(
    kind=CallerKind.TOKEN, name="anna", address="192.0.2.7", permissions=TABLE[Role.ADMIN]
)
PICTURE = jpeg()
HERE = (ipaddress.ip_network("127.0.0.0/8"),)


class CountedBell(Bell):
    """Tells how often somebody began to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0

    async def heard(self, rings: int, *, within_s: float) -> int:
        self.waits += 1
        return await super().heard(rings, within_s=within_s)


@dataclass(slots=True, kw_only=True)
class Post:
    """A post office with a clock of its own."""

    watch: Watch
    desk: ChannelDesk
    store: StoredChannels
    accounts: AccountStore
    postman: Postman
    wake: CountedBell
    parts: PostmanParts
    moment: datetime = NOON

    async def webhook(self, url: str, *, name: str = "hook", **given: Any) -> Channel:
        details = ChannelDetails(name=name, kind=ChannelKind.WEBHOOK, target=url, **given)
        return (await self.desk.make(ADMIN, details)).channel

    async def alert(self, number: int = 1) -> None:
        await self.watch.centre.take(plate(number, f"AB {number}", image=PICTURE))
        await self.watch.alerts()

    async def until(
        self, is_so: Callable[[Channel], bool], *, step_s: float = 1.0, in_turn: bool = False
    ) -> Channel:
        """Until the first channel is so, with time going on by that much a look; `in_turn`: only
        while nobody is being told."""
        running = asyncio.create_task(self.postman.run())
        others = asyncio.all_tasks()
        try:
            async with asyncio.timeout(60):
                while True:
                    (channel, *_) = await self.store.channels()
                    if is_so(channel):
                        return channel
                    waits = self.wake.waits
                    self.wake.ring()
                    await asyncio.sleep(0 if in_turn else 0.005)
                    while in_turn and (self.wake.waits == waits or asyncio.all_tasks() - others):  # noqa: ASYNC110 (rounds tell nobody)
                        await asyncio.sleep(0.001)
                    self.moment += timedelta(seconds=step_s)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def post_office(folder: Path, **settings: Any) -> AsyncIterator[Post]:
    async with watching_in(folder) as watch:
        centre = watch.centre
        given = settings_in(folder, **{"webhook_networks": HERE, **settings})
        writing = SqliteWriting(centre.database, name="channels")
        store = StoredChannels(centre.pool, writing)
        wake, tellers = CountedBell(), tellers_of(given)
        office: list[Post] = []

        def now() -> datetime:
            return office[0].moment if office else NOON

        accounts = accounts_in_sqlite(centre.database, Lifetimes(), now)
        parts = PostmanParts(
            store=store, tellers=tellers, pictures=centre.sightings, now=now, wake=wake
        )
        postman = Postman(parts)
        desk = ChannelDesk(store, tellers, postman, accounts, wake, now=now)
        await watch.list_of("AB*", name="stolen", cooldown_s=0)
        office.append(
            Post(
                watch=watch,
                desk=desk,
                store=store,
                accounts=accounts,
                postman=postman,
                wake=wake,
                parts=parts,
            )
        )
        yield office[0]
        postman.close()
        await accounts.close()
        writing.close()
