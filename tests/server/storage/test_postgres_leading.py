"""What one process of several does is done by one, and by another when that one is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta
from pathlib import Path

import asyncpg

from server.storage.access import PostgresAccess
from server.storage.channels import StoredChannels
from server.storage.postgres.leading import Duty, Leading
from server.storage.postgres.pool import opened_pool
from server.storage.postgres.writing import Subject
from server.supervision import Work, beside
from tests.server.storage.databases import Databases
from tests.server.storage.history import NOON, plate
from tests.server.watchlist.watching import watching_in

PATIENCE_S = 30.0
_END_IT = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND objid::bigint = $1"
)

_CHANNEL = (
    "INSERT INTO alert_channels (name, kind, target, list_ids, is_enabled, secret, changed_by, "
    "changed_at) VALUES ('hook', 'webhook', 'https://example.org/', '[]', true, '', 'anna', "
    "'2026-03-01T12:00:00Z')"
)
_WAITS = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"


class Process:
    """One that would do the work of a duty."""

    def __init__(self, url: str) -> None:
        self._leading = Leading(url, turn_s=0.05)
        self.is_at_it = asyncio.Event()
        self.has_ended = asyncio.Event()

    def works(self) -> Mapping[str, Work]:
        return self._leading.led(Duty.ALERTS, {"work": self._work})

    async def _work(self) -> None:
        self.is_at_it.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.is_at_it.clear()
            self.has_ended.set()


async def test_who_loses_its_session_stops_and_when_it_is_gone_another_goes_on(
    databases: Databases,
) -> None:
    url = await asyncio.to_thread(databases.cleaned)
    first, second = Process(url), Process(url)
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(PATIENCE_S), AsyncExitStack() as ending:
            running = await ending.enter_async_context(AsyncExitStack())
            await running.enter_async_context(beside(first.works()))
            await first.is_at_it.wait()
            assert await connection.fetch(_END_IT, Duty.ALERTS & 0xFFFFFFFF) == [(True,)]
            await first.has_ended.wait()
            await first.is_at_it.wait()
            await ending.enter_async_context(beside(second.works()))
            assert not second.is_at_it.is_set()
            await running.aclose()
            await second.is_at_it.wait()
            assert not first.is_at_it.is_set()
    finally:
        await connection.close()


async def test_two_that_raise_alerts_at_once_raise_and_count_each_once(
    databases: Databases, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(databases.cleaned)
    async with (
        watching_in(tmp_path / "one", url) as first,
        watching_in(tmp_path / "other", url) as second,
    ):
        await first.list_of("AB1", cooldown_s=3600)
        for numbers in (range(1, 6), range(6, 9)):
            await first.centre.take(*(plate(number, "AB 1") for number in numbers))
            await asyncio.gather(first.engine.look(), second.engine.look())
        assert await first.alerted() == await second.alerted() == [("AB 1", 7)]
        await first.centre.take(*(plate(number, "XY 9") for number in range(9, 12)))
        await asyncio.gather(first.engine.look(), second.engine.look())
        for number in (9, 10):
            await first.centre.corrections.correct(number, "AB 1", by="vera", now=NOON)
            await asyncio.gather(first.engine.look(), second.engine.look())
        assert await first.alerted() == await second.alerted() == [("AB 1", 9)]
        assert first.engine.raised + second.engine.raised == 1


async def test_a_channel_that_is_deleted_while_an_alert_is_raised_gets_none(
    databases: Databases, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(databases.cleaned)
    async with watching_in(tmp_path, url) as watch:
        await watch.list_of("AB1")
        await watch.centre.execute(_CHANNEL)
        await watch.centre.take(plate(1, "AB 1"))
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction(), asyncio.timeout(PATIENCE_S):
                await connection.execute("DELETE FROM alert_channels")
                looking = asyncio.create_task(watch.engine.look())
                while not await connection.fetchval(_WAITS):
                    pass
            await looking
        finally:
            await connection.close()
        assert watch.engine.raised == 1
        assert await watch.centre.query("SELECT count(*) FROM alert_deliveries") == [(0,)]


async def test_of_two_processes_one_claims_a_delivery_and_nobody_of_a_channel_that_is_off(
    databases: Databases, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(databases.cleaned)
    async with watching_in(tmp_path, url) as watch, opened_pool(url, connections=4) as pool:
        await watch.list_of("AB1")
        await watch.centre.execute(_CHANNEL)
        await watch.centre.take(plate(1, "AB 1"))
        await watch.engine.look()
        with ExitStack() as opened:
            access = PostgresAccess(pool, pool)
            one, other = (
                StoredChannels(
                    access.readers(opened, threads=1), access.writing(opened, Subject.CHANNELS)
                )
                for _ in range(2)
            )
            (channel,) = await one.channels()
            (delivery,) = await one.due(channel.id, NOON, limit=2)
            until = NOON + timedelta(minutes=2)
            claims = (each.claim(delivery, NOON, until=until) for each in (one, other))
            (claimed,) = filter(None, await asyncio.gather(*claims))
            await watch.centre.execute("UPDATE alert_channels SET is_enabled = false")
            later = until + timedelta(minutes=2)
            assert not await other.claim(claimed, until, until=later)
            await watch.centre.execute("UPDATE alert_channels SET is_enabled = true")
            assert await other.claim(claimed, until, until=later)
            await one.failed(claimed, "too slow", until, next_at=None)
            assert (await one.channel(channel.id)).given_up == 0
            assert (await one.goal(channel.id)).target == "https://example.org/"
