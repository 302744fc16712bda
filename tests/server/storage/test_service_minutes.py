"""Minutes of services come back as they were written, and do not grow without end."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.analytics.work import Work
from server.storage.picture_stores.daily import DailyPictures
from server.storage.postgres.pool import opened_pool
from server.storage.postgres.readers import PostgresReaders
from server.storage.postgres.store import PostgresStore
from server.storage.service_minutes import KEPT, StoredServiceHistory
from telemetry.distribution import SECONDS, Distribution
from tests.server.storage.databases import Databases
from tests.server.storage.history import Site

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def work(minute: int = 0, requests: int = 5) -> Work:
    times = Distribution(SECONDS)
    times.add_all([0.1, 0.7])
    return Work(
        at=AT + timedelta(minutes=minute), seconds=60.0, requests=requests, errors=1,
        times=times.spread(), load=0.25,
    )  # fmt: skip


async def test_minutes_come_back_by_service_in_order(either: Site) -> None:
    bare = Work(at=AT, seconds=60.0, requests=2, errors=None)
    await either.store.keep_minutes({"ingest": work(1)})
    await either.store.keep_minutes({"ingest": work(0), "plate_recognition": bare})
    history = StoredServiceHistory(either.pool)
    found = await history.minutes(begin=AT, end=AT + HOUR)
    assert found == {"ingest": (work(0), work(1)), "plate_recognition": (bare,)}
    late = await history.minutes(begin=AT + timedelta(minutes=1), end=AT + HOUR)
    assert late == {"ingest": (work(1),)}
    assert await history.minutes(begin=AT - HOUR, end=AT) == {}


async def test_a_minute_written_again_is_the_newer_and_old_ones_go(either: Site) -> None:
    history = StoredServiceHistory(either.pool)
    await either.store.keep_minutes({"ingest": work(0, requests=1)})
    await either.store.keep_minutes({"ingest": work(0, requests=9)})
    (only,) = (await history.minutes(begin=AT, end=AT + HOUR))["ingest"]
    assert only.requests == 9
    later = replace(work(), at=AT + KEPT + timedelta(minutes=1))
    await either.store.keep_minutes({"ingest": later})
    found = await history.minutes(begin=AT, end=later.at + HOUR)
    assert found == {"ingest": (later,)}
    await either.store.keep_minutes({})
    assert found == await history.minutes(begin=AT, end=later.at + HOUR)


async def test_a_long_time_comes_in_stretches_within_the_hour_and_loses_nothing(
    either: Site,
) -> None:
    begin = AT - timedelta(days=20)
    for minute in range(0, 300, 7):
        await either.store.keep_minutes({"ingest": work(minute)})
    history = StoredServiceHistory(either.pool)
    found = (await history.minutes(begin=begin, end=AT + 24 * HOUR))["ingest"]
    assert sum(each.requests for each in found) == 43 * 5
    assert sum(each.times.count for each in found if each.times) == 43 * 2
    assert [each.at.hour for each in found] == sorted(each.at.hour for each in found)
    assert len(found) < 43
    for each in found:
        assert (each.at + timedelta(seconds=each.seconds)).hour in (
            each.at.hour,
            each.at.hour + 1,
        )


@pytest.mark.parametrize("requests", [0, 10**9])
async def test_counts_of_any_size_are_kept(either: Site, requests: int) -> None:
    await either.store.keep_minutes({"ingest": work(requests=requests)})
    found = await StoredServiceHistory(either.pool).minutes(begin=AT, end=AT + HOUR)
    assert found["ingest"][0].requests == requests


async def test_what_several_processes_did_in_a_minute_is_one(databases: Databases) -> None:
    url = await asyncio.to_thread(databases.migrated)
    async with opened_pool(url, connections=3) as pool:
        for requests in (2, 3):
            with contextlib.closing(DailyPictures(Path("unused"))) as pictures:
                await PostgresStore(pool, pictures).keep_minutes({"ingest": work(0, requests)})
        readers = PostgresReaders(pool)
        history = StoredServiceHistory(readers)
        (minute,) = (await history.minutes(begin=AT, end=AT + HOUR))["ingest"]
        await asyncio.to_thread(readers.close)
    assert (minute.seconds, minute.requests, minute.errors) == (60.0, 5, 2)
