"""Sightings, health and evictions as cameras would have sent them, for tests of what is read."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from server.storage.adoption import prepare_database
from server.storage.cameras import StoredCameras
from server.storage.corrections import StoredCorrections
from server.storage.data_overview import SqliteDataOverview
from server.storage.picture_stores.daily import DailyPictures
from server.storage.pictures import PictureArchive
from server.storage.postgres.data_overview import PostgresDataOverview
from server.storage.postgres.horizon import decided
from server.storage.postgres.pool import Pool, acquired, opened_pool
from server.storage.postgres.pruner import PostgresPruning
from server.storage.postgres.readers import PostgresReaders
from server.storage.postgres.store import PostgresStore
from server.storage.postgres.writing import PostgresWriting, Subject
from server.storage.pruner import SqlitePruning
from server.storage.reader_pool import ReaderPool
from server.storage.reading.cameras import StateRule
from server.storage.sightings import StoredSightings
from server.storage.sqlite import SqliteStore
from server.storage.writing_thread import SqliteWriting
from tests.server.cameras import row_id
from tests.server.rows import hello_of
from wire.acceptance import accept_v1
from wire.accepted import AcceptedRow
from wire.limits import Limits
from wire.rows import (
    Eviction,
    EvictionRow,
    HealthMonitor,
    HealthRow,
    LprDetection,
    LprRow,
    raw_json,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """A store that takes rows, and what reads beside it."""

    database: Path
    pictures: Path
    store: SqliteStore
    pool: ReaderPool
    sightings: StoredSightings
    corrections: StoredCorrections
    cameras: StoredCameras
    data: SqliteDataOverview
    pruning: SqlitePruning

    async def take(self, *rows: AcceptedRow, at: datetime = NOON) -> list[int]:
        """Stores the rows; their record ids."""
        return [outcome.record_id for outcome in await self.store.commit_group(rows, at)]

    async def execute(self, sql: str) -> None:
        """As another program writes into the database."""
        await self.query(sql)

    async def query(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(apsw.Connection(str(self.database))) as connection:
            return list(connection.execute(sql))

    async def give_up(self, *, older_than_days: int, now: datetime) -> None:
        """Old rows, by the time of their arrival."""
        await self.pruning.start(older_than_days=older_than_days, now=now)
        await self.pruning.finished()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresCentre:
    """The same in PostgreSQL."""

    pictures: Path
    rows: Pool
    store: PostgresStore
    pool: PostgresReaders
    sightings: StoredSightings
    corrections: StoredCorrections
    cameras: StoredCameras
    data: PostgresDataOverview
    pruning: PostgresPruning

    async def take(self, *rows: AcceptedRow, at: datetime = NOON) -> list[int]:
        return [outcome.record_id for outcome in await self.store.commit_group(rows, at)]

    async def execute(self, sql: str) -> None:
        async with acquired(self.rows) as connection:
            await connection.execute(sql)

    async def query(self, sql: str) -> list[tuple[Any, ...]]:
        async with acquired(self.rows) as connection:
            return [tuple(row) for row in await connection.fetch(sql)]

    async def give_up(self, *, older_than_days: int, now: datetime) -> None:
        """Old rows, by the time of their arrival."""
        await self.pruning.start(older_than_days=older_than_days, now=now)
        await self.pruning.finished()


@asynccontextmanager
async def postgres_centre_in(folder: Path, url: str) -> AsyncIterator[PostgresCentre]:
    pictures = folder / "pictures"
    async with opened_pool(url, connections=6) as rows:
        with contextlib.ExitStack() as opened:
            keeper, archive = DailyPictures(pictures), PictureArchive(pictures, read_only=True)
            readers = PostgresReaders(rows)
            writing = PostgresWriting(rows, Subject.CORRECTIONS)
            pruning = PostgresPruning(url, keeper)
            for each in (keeper, archive, readers, writing):
                opened.callback(each.close)
            yield PostgresCentre(
                pictures=pictures,
                rows=rows,
                store=PostgresStore(rows, keeper),
                pool=readers,
                sightings=StoredSightings(
                    readers, archive, newest=partial(decided, table="lpr_detections")
                ),
                corrections=StoredCorrections(writing),
                cameras=StoredCameras(readers, StateRule()),
                data=PostgresDataOverview(
                    readers, keeper, place="here", folder=pictures, retention_days=30
                ),
                pruning=pruning,
            )
            await pruning.close()


Site = Centre | PostgresCentre


@asynccontextmanager
async def either_in(folder: Path, url: str | None) -> AsyncIterator[Site]:
    """In SQLite where there is no `url`."""
    opening = centre_in(folder) if url is None else postgres_centre_in(folder, url)
    async with opening as opened:
        yield opened


@asynccontextmanager
async def centre_in(folder: Path) -> AsyncIterator[Centre]:
    database, pictures = folder / "server.db", folder / "pictures"
    prepare_database(database, zone_of=lambda _: UTC, now=NOON)
    with contextlib.ExitStack() as opened:
        pool, archive = ReaderPool(database), PictureArchive(pictures, read_only=True)
        writing = SqliteWriting(database, name="corrections")
        pruning = SqlitePruning(database, pictures)
        for each in (archive, pool, writing, pruning):
            opened.callback(each.close)
        store = SqliteStore(database, pictures)
        try:
            yield Centre(
                database=database,
                pictures=pictures,
                store=store,
                pool=pool,
                sightings=StoredSightings(pool, archive),
                corrections=StoredCorrections(writing),
                cameras=StoredCameras(pool, StateRule()),
                data=SqliteDataOverview(pool, database, pictures, retention_days=30),
                pruning=pruning,
            )
        finally:
            await store.close()


def plate(
    number: int,
    text: str,
    *,
    at: datetime | None = None,
    device_id: str = "gate-1",
    epoch: str = "epoch-1",
    characters: Sequence[Any] = (),
    **said: Any,
) -> AcceptedRow:
    """A sighting, the `number`th row of its camera; captured so many seconds after noon."""
    evidence = {"evidence": raw_json({"characters": list(characters)})} if characters else {}
    row = LprRow(
        id=row_id(number if device_id == "gate-1" else number + 100_000 * ord(device_id[-1])),
        sequence=number,
        captured_at=at or NOON + timedelta(seconds=number),
        data=LprDetection(license_plate=text, **evidence, **said),
    )
    return accept_v1(row, hello_of(device_id, epoch), Limits())


def health(
    number: int,
    component: str,
    *,
    at: datetime,
    status: str = "PASS",
    message: str = "",
    facts: dict[str, Any] | None = None,
    device_id: str = "gate-1",
    epoch: str = "epoch-1",
) -> AcceptedRow:
    """A health check of a camera, its `number`th row."""
    said = {"system_info": raw_json(facts)} if facts is not None else {}
    row = HealthRow(
        id=row_id(number if device_id == "gate-1" else number + 100_000 * ord(device_id[-1])),
        sequence=number,
        captured_at=at,
        data=HealthMonitor(component=component, status=status, message=message, **said),
    )
    return accept_v1(row, hello_of(device_id, epoch), Limits())


def eviction(
    number: int, first: int, last: int, *, at: datetime, epoch: str = "epoch-1"
) -> AcceptedRow:
    """The camera gave up the plates numbered `first` to `last`."""
    row = EvictionRow(
        id=row_id(number),
        sequence=number,
        captured_at=at,
        data=Eviction(
            kind="row",
            reason="disk_full",
            evicted_table="lpr_detection",
            count=last - first + 1,
            first_sequence=first,
            last_sequence=last,
            message="not even rows fitted",
        ),
    )
    return accept_v1(row, hello_of(epoch=epoch), Limits())
