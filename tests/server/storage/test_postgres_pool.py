"""Slow questions keep nobody else waiting, and changes that were begun come to their end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.account_side import accounts_in_postgres
from server.accounts.lifetimes import Lifetimes
from server.errors import StorageUnavailable
from server.keeping import Shared
from server.library import background_of, library_in_postgres
from server.storage.access import PostgresAccess
from server.storage.asking import Reader, Writer
from server.storage.picture_stores.daily import DailyPictures
from server.storage.postgres.connection import opened
from server.storage.postgres.pool import QUESTION_S, acquired, opened_pool
from server.storage.postgres.store import PostgresStore
from server.storage.postgres.writing import PostgresWriting, Subject
from tests.server.cameras import jpeg
from tests.server.conftest import settings_in
from tests.server.rows import accepted_plate
from tests.server.storage.databases import Databases

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PATIENCE_S = 20.0
ENTER = "INSERT INTO cameras (device_id, first_seen, last_seen) VALUES (?, '', '')"


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.cleaned()


@contextlib.asynccontextmanager
async def access_of(url: str, *, wait_s: float) -> AsyncIterator[PostgresAccess]:
    async with (
        opened_pool(url, connections=2) as rows,
        opened_pool(
            url, connections=1, name="pages", setting="PAGES", wait_s=wait_s, reads_only=True
        ) as pages,
    ):
        yield PostgresAccess(rows, pages)


async def test_slow_questions_of_pages_leave_rows_and_sign_in_alone_and_say_what_to_do(
    url: str,
) -> None:
    goes_on, is_asked = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(reader: Reader) -> int:
        (held,) = reader.rows("SELECT 1")
        loop.call_soon_threadsafe(is_asked.set)
        goes_on.wait(PATIENCE_S)
        return int(held[0])

    async with access_of(url, wait_s=0.1) as access:
        with contextlib.ExitStack() as closing:
            readers = access.page_readers(closing, threads=1)
            others = access.page_readers(closing, threads=1)
            accounts = accounts_in_postgres(access.pool, access.pages, Lifetimes(), lambda: NOW)
            asking = asyncio.create_task(readers.ask(slow))
            await is_asked.wait()
            try:
                for each in (readers, others):  # its thread is busy; the connection is
                    with pytest.raises(StorageUnavailable, match="a larger PAGES") as refused:
                        await each.ask(lambda reader: reader.rows("SELECT 1"))
                    assert refused.value.retry_after_s > 0
                assert not await accounts.has_admin()
                async with acquired(access.pool) as connection:
                    assert await connection.fetchval("SELECT 1") == 1
                assert (access.pages.busy, access.pages.most, access.pages.refused) == (1, 1, 2)
                assert (access.pool.busy, access.pool.refused) == (0, 0)
            finally:
                goes_on.set()
            assert await asking == 1
            await accounts.close()


async def test_pictures_of_deliveries_are_read_while_pages_have_all_their_connections(
    url: str, tmp_path: Path
) -> None:
    row = accepted_plate(1, image=jpeg(1))
    async with access_of(url, wait_s=0.05) as access:
        with contextlib.closing(DailyPictures(tmp_path / "pictures")) as pictures:
            store = PostgresStore(access.pool, pictures)
            await store.commit_group([row], NOW)
            shared = Shared(pool=access.pool, pages=access.pages, pictures=pictures)
            settings = settings_in(tmp_path, database_url=url)
            async with library_in_postgres(settings, shared) as library, acquired(access.pages):
                with contextlib.ExitStack() as closing:
                    background = background_of(shared, library, closing)
                    assert (await background.pictures.picture(1)).content == jpeg(1)
                    assert await background.cameras.names(most=5) == ("gate-1",)
                    with pytest.raises(StorageUnavailable):
                        await library.pictures.picture(1)


async def test_pages_only_read_and_the_database_itself_ends_what_they_ask(url: str) -> None:
    async with access_of(url, wait_s=10) as access, acquired(access.pages) as connection:
        assert await connection.fetchval("SHOW transaction_read_only") == "on"
        (longest_ms,) = await connection.fetchrow(
            "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"
        ) or (0,)
        assert longest_ms == QUESTION_S * 1000


async def test_a_change_that_waits_when_the_server_stops_is_carried_out(url: str) -> None:
    """It was begun: whoever asked for it was not told otherwise."""
    other = await opened(url)
    try:
        await other.execute("SELECT pg_advisory_lock($1)", Subject.CHANNELS.value)
        async with opened_pool(url, connections=2) as pool:
            writing = PostgresWriting(pool, Subject.CHANNELS)
            first, second = (
                asyncio.create_task(writing.write(_entering(name))) for name in ("one", "two")
            )
            async with asyncio.timeout(PATIENCE_S):
                while not await other.fetchval(  # noqa: ASYNC110 (locks tell nobody)
                    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"
                ):
                    await asyncio.sleep(0.005)
            writing.close()
            with pytest.raises(StorageUnavailable, match="the server is stopping"):
                await writing.write(_entering("three"))
            letting = asyncio.create_task(other.execute("SELECT pg_advisory_unlock_all()"))
        await asyncio.gather(letting, first, second)
        found = await other.fetch("SELECT device_id FROM cameras ORDER BY 1")
        assert [name for (name,) in found] == ["one", "two"]
    finally:
        await other.close()


async def test_changes_that_wait_are_no_more_than_may(url: str) -> None:
    async with opened_pool(url, connections=1) as pool:
        writing = PostgresWriting(pool, Subject.CHANNELS, most_waiting=3)
        async with acquired(pool):
            waiting = [
                asyncio.create_task(writing.write(_entering(str(number)))) for number in range(3)
            ]
            await asyncio.sleep(0)
            with pytest.raises(StorageUnavailable, match="3 changes wait already"):
                await writing.write(_entering("more"))
        await asyncio.gather(*waiting)
        writing.close()


def _entering(name: str) -> Callable[[Writer], int]:
    def enter(writer: Writer) -> int:
        return writer.change(ENTER, (name,))

    return enter
