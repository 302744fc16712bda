"""Several processes on one PostgreSQL: what one commits, the others hear of and read in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.bell import Bell, Topic
from server.errors import StorageUnavailable
from server.storage.feed import StoredFeed
from server.storage.postgres.connection import opened
from server.storage.postgres.horizon import decided, lowest
from server.storage.postgres.news import News
from server.storage.postgres.pool import opened_pool
from server.storage.postgres.readers import PostgresReaders
from server.storage.protocol import CentreStore
from server.storage.reading.sightings import Order, SightingFilter
from tests.server.rows import accepted_plate
from tests.server.storage.databases import Databases
from tests.server.storage.history import postgres_centre_in
from tests.server.storage.stores import Place

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PATIENCE_S = 30.0
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
async def place(databases: Databases, tmp_path: Path) -> Place:
    return Place(tmp_path, await asyncio.to_thread(databases.cleaned))


@contextlib.asynccontextmanager
async def feed_of(url: str) -> AsyncIterator[StoredFeed]:
    async with opened_pool(url, connections=1) as pool:
        readers = PostgresReaders(pool, threads=1)
        try:
            yield StoredFeed(readers, partial(decided, table="lpr_detections"))
        finally:
            await asyncio.to_thread(readers.close)


@contextlib.asynccontextmanager
async def hearing(url: str, topic: Topic) -> AsyncIterator[Bell]:
    """The bell of one more process, which listens by now."""
    news = News(url, listens=True, retry_s=0.01)
    bell = news.bell(topic)
    running = asyncio.create_task(news.run())
    try:
        await rung(bell, 0)
        yield bell
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def rung(bell: Bell, rings: int) -> int:
    now = await bell.heard(rings, within_s=PATIENCE_S)
    assert now > rings
    return now


async def ids_of(feed: StoredFeed, position: int = 0) -> list[int]:
    return [each.card.id for each in await feed.after(position, limit=100)]


@contextlib.asynccontextmanager
async def held_up(url: str, store: CentreStore, *numbers: int) -> AsyncIterator[Any]:
    """A group of these rows that has its ids and cannot commit; yields the connection in its way,
    and the task that commits it."""
    rows = [accepted_plate(number, device_id="slow") for number in numbers]
    other = await opened(url)
    try:
        await other.execute("BEGIN")
        claim = "INSERT INTO message_ledger VALUES ($1, 1, 1, 999, '', 0)"
        await other.execute(claim, rows[-1].id)
        committing = asyncio.create_task(store.commit_group(rows, NOW))
        async with asyncio.timeout(PATIENCE_S):
            while not await other.fetchval(_WAITING):  # noqa: ASYNC110 (a database tells nobody)
                await asyncio.sleep(0.005)
        yield other, committing
    finally:
        await other.close()


@given(
    last=st.integers(1, 1 << 40),
    below=st.lists(st.integers(0, 10_000)),
    above=st.lists(st.integers(1, 10_000)),
)
def test_no_id_above_a_floor_is_decided_and_floors_above_the_last_id_say_nothing(
    last: int, below: Sequence[int], above: Sequence[int]
) -> None:
    floors = [last - each for each in below if each <= last]
    wrapped = [each % (1 << 31) for each in (*floors, *(last + each for each in above))]
    assert lowest(last, wrapped) == min([last, *floors])


async def test_rows_that_are_committed_out_of_order_are_read_in_order(place: Place) -> None:
    assert place.url is not None
    async with place.opened() as store, feed_of(place.url) as feed:
        await store.commit_group([accepted_plate(1)], NOW)
        async with held_up(place.url, store, 11, 12) as (other, committing):
            await store.commit_group([accepted_plate(2), accepted_plate(3)], NOW)
            assert await ids_of(feed) == [1]
            assert await feed.newest() == 1
            await other.execute("ROLLBACK")
            await committing
        assert await ids_of(feed, position=1) == [2, 3, 4, 5]
        assert await feed.newest() == 5


async def test_an_id_of_a_row_that_was_never_stored_keeps_nobody_waiting(place: Place) -> None:
    """Another process took the row, or the group's own process died."""
    assert place.url is not None
    async with place.opened() as store, feed_of(place.url) as feed:
        async with held_up(place.url, store, 11, 12) as (other, committing):
            await store.commit_group([accepted_plate(2)], NOW)
            await other.execute("COMMIT")
            await committing
        assert await ids_of(feed) == [1, 3]
        async with held_up(place.url, store, 13) as (other, committing):
            await store.commit_group([accepted_plate(3)], NOW)
            assert await ids_of(feed) == [1, 3]
            await other.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
            with pytest.raises(StorageUnavailable):
                await committing
            assert await ids_of(feed) == [1, 3, 5]


async def test_what_one_process_commits_rings_in_the_others_also_after_a_lost_connection(
    place: Place,
) -> None:
    assert place.url is not None
    url = place.url
    async with (
        place.opened() as store,
        feed_of(url) as feed,
        hearing(url, Topic.ROWS) as theirs,
        hearing(url, Topic.ROWS) as ours,
        hearing(url, Topic.ALERTS) as another,
    ):
        rings, others = theirs.rings, another.rings
        await store.commit_group([accepted_plate(1)], NOW)
        ours.ring()
        rings = await rung(theirs, rings)
        assert another.rings == others
        (position,) = await ids_of(feed)
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND (query ILIKE '%pg_notify%' "
                "OR query ILIKE 'LISTEN%')"
            )
        finally:
            await connection.close()
        await store.commit_group([accepted_plate(2)], NOW)
        ours.ring()  # on a connection that is gone: it is said on the next one
        await rung(theirs, rings)
        assert await ids_of(feed, position=position) == [2]


async def test_a_row_that_is_committed_late_moves_no_card_from_one_page_to_the_next(
    databases: Databases, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(databases.cleaned)
    chosen = SightingFilter(plate="AB*")
    async with postgres_centre_in(tmp_path, url) as centre:
        await centre.take(accepted_plate(1), accepted_plate(2))
        async with held_up(url, centre.store, 13) as (other, committing):
            await centre.take(accepted_plate(4))
            page = await centre.sightings.page(chosen, order=Order.LIKELIEST, limit=1)
            await other.execute("ROLLBACK")
            await committing
        shown = [card.plate for card in page.cards]
        while page.next_cursor is not None:
            page = await centre.sightings.page(
                chosen, order=Order.LIKELIEST, limit=1, cursor=page.next_cursor
            )
            shown += [card.plate for card in page.cards]
        assert shown == ["AB2", "AB1"]
