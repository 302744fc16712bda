"""A process that stands still holds up no other for long: its sessions are ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.postgres import seats
from server.storage.postgres.connection import Connection, opened
from server.storage.postgres.horizon import announce
from server.storage.postgres.leading import Duty, Leading
from server.storage.postgres.standstill import end_stalled
from server.supervision import beside
from tests.server.rows import accepted_plate
from tests.server.storage.databases import Databases
from tests.server.storage.stores import Place
from tests.server.storage.test_postgres import connected
from tests.server.storage.test_postgres_feed import NOW, PATIENCE_S, feed_of, ids_of

_STANDS = (
    "SELECT wait_event = 'ClientRead' AND state = 'active' FROM pg_stat_activity WHERE pid = $1"
)

_WAITS = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.cleaned()


@contextlib.asynccontextmanager
async def stalled(url: str) -> AsyncIterator[tuple[Connection, asyncio.Task[str]]]:
    """A group that has an id and stands still within its COPY: a session, and what it waits in."""
    connection, goes_on = await opened(url), asyncio.Event()

    async def rows() -> AsyncIterator[bytes]:
        yield b"1\t"
        await goes_on.wait()

    try:
        await connection.execute("BEGIN")
        await announce(connection, "lpr_detections")
        await connection.execute("SELECT nextval('lpr_detections_id')")
        copying = asyncio.create_task(connection.copy_to_table("lpr_detections", source=rows()))
        yield connection, copying
        goes_on.set()
        await asyncio.gather(copying, return_exceptions=True)
    finally:
        await connection.close()


async def test_a_group_that_stands_still_in_its_copy_is_ended_and_rows_are_read_on(
    url: str, tmp_path: Path
) -> None:
    async with (
        Place(tmp_path, url).opened() as store,
        feed_of(url) as feed,
        stalled(url) as (session, copying),
        connected(url) as other,
    ):
        await store.commit_group([accepted_plate(1)], NOW)
        pid = session.get_server_pid()
        while not await other.fetchval(_STANDS, pid):  # noqa: ASYNC110 (a database tells nobody)
            await asyncio.sleep(0.005)
        assert await ids_of(feed) == []
        assert await end_stalled(other) == []  # it may go on yet
        async with (
            asyncio.timeout(PATIENCE_S),
            seats.taken(url, look_s=0.02, still_s=0.1),
        ):
            while not await ids_of(feed):  # noqa: ASYNC110 (a database tells nobody)
                await asyncio.sleep(0.02)
        assert not copying.done()  # the process stands still: it will hear of it when it goes on


async def test_who_reads_or_waits_for_a_lock_is_not_taken_for_one_that_stands_still(
    url: str,
) -> None:
    async with connected(url) as one, connected(url) as other:
        async with one.transaction():
            await one.execute("LOCK TABLE cameras IN ACCESS EXCLUSIVE MODE")
            reading = asyncio.create_task(other.fetch("SELECT 1 FROM cameras"))
            while not await one.fetchval(_WAITS):
                pass
            assert await end_stalled(one, still_s=0.0) == []
        assert await reading == []


async def test_a_duty_of_a_process_that_stands_still_goes_to_another(url: str) -> None:
    """It asks nothing for longer than a session may be silent: that ends."""
    at_it: list[str] = []

    def doing(name: str, *, turn_s: float) -> contextlib.AbstractAsyncContextManager[None]:
        async def work() -> None:
            at_it.append(name)
            await asyncio.Event().wait()

        leading = Leading(url, turn_s=turn_s, still_s=0.2)
        return beside(leading.led(Duty.ALERTS, {"work": work}))

    async with asyncio.timeout(PATIENCE_S), doing("still", turn_s=1.0):
        while "still" not in at_it:  # noqa: ASYNC110 (works tell nobody)
            await asyncio.sleep(0.01)
        async with doing("next", turn_s=0.02):
            while "next" not in at_it:  # noqa: ASYNC110 (works tell nobody)
                await asyncio.sleep(0.01)
