"""Everything that is read of the centre, and what is put right in it, opened together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial

from server.config import ServerSettings
from server.keeping import Shared
from server.storage.asking import Readers, Writing
from server.storage.cameras import StoredCameras
from server.storage.corrections import StoredCorrections
from server.storage.data_overview import SqliteDataOverview
from server.storage.face_sightings import StoredFaceSightings
from server.storage.pictures import PictureArchive
from server.storage.postgres.data_overview import PostgresDataOverview
from server.storage.postgres.horizon import decided
from server.storage.postgres.pruner import PostgresPruning
from server.storage.postgres.readers import PostgresReaders
from server.storage.postgres.writing import PostgresWriting, Subject
from server.storage.pruner import SqlitePruning
from server.storage.reader_pool import ReaderPool
from server.storage.reading.cameras import Cameras, StateRule
from server.storage.reading.data import DataOverview, Pruning
from server.storage.reading.library import Library
from server.storage.reading.sightings import Pictures
from server.storage.service_minutes import StoredServiceHistory
from server.storage.sightings import StoredSightings
from server.storage.usage_counts import StoredUsageCounts
from server.storage.writing_thread import SqliteWriting


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is read beside pages, by what tells channels and other programs."""

    pictures: Pictures
    cameras: Cameras


def background_of(
    shared: Shared | None, library: Library, opened: contextlib.ExitStack
) -> Background:
    """On PostgreSQL on a connection of the rows, so that no delivery waits for a page's question.
    `opened` closes what is opened."""
    if shared is None:
        return Background(pictures=library.pictures, cameras=library.cameras)
    readers = PostgresReaders(shared.pool, threads=1)
    opened.callback(readers.close)
    return Background(
        pictures=StoredSightings(readers, shared.pictures),
        cameras=StoredCameras(readers, StateRule()),
    )


@contextlib.asynccontextmanager
async def library_of(settings: ServerSettings, shared: Shared | None) -> AsyncIterator[Library]:
    """Of the database that is open."""
    if shared is not None:
        async with library_in_postgres(settings, shared) as library:
            yield library
        return
    rest = contextlib.ExitStack()
    try:
        yield await asyncio.to_thread(rest.enter_context, library_in_sqlite(settings))
    finally:
        await asyncio.to_thread(rest.close)


@contextlib.contextmanager
def library_in_sqlite(settings: ServerSettings) -> Iterator[Library]:
    """Of a migrated database. Leaving waits for the questions in hand: call it off the loop."""
    with contextlib.ExitStack() as opened:
        pool = ReaderPool(settings.db_path)
        opened.callback(pool.close)
        archive = PictureArchive(settings.pictures_path, read_only=True)
        opened.callback(archive.close)
        writing = SqliteWriting(settings.db_path, name="corrections")
        opened.callback(writing.close)
        pruning = SqlitePruning(settings.db_path, settings.pictures_path)
        opened.callback(pruning.close)
        data = SqliteDataOverview(
            pool,
            settings.db_path,
            settings.pictures_path,
            retention_days=settings.retention_days,
        )
        sightings = StoredSightings(pool, archive)
        face_sightings = StoredFaceSightings(pool, archive)
        yield _library(pool, sightings, face_sightings, writing, data, pruning)


@contextlib.asynccontextmanager
async def library_in_postgres(settings: ServerSettings, shared: Shared) -> AsyncIterator[Library]:
    """Of a migrated database."""
    pictures = shared.pictures
    readers = PostgresReaders(shared.pages)
    writing = PostgresWriting(shared.pool, Subject.CORRECTIONS)
    pruning = PostgresPruning(settings.database_url.get_secret_value(), pictures)
    data = PostgresDataOverview(
        readers,
        pictures,
        place=settings.database_place,
        folder=None if settings.image_store else settings.pictures_path,
        retention_days=settings.retention_days,
    )
    face_sightings = StoredFaceSightings(
        readers, pictures, partial(decided, table="face_detections")
    )
    sightings = StoredSightings(readers, pictures, newest=partial(decided, table="lpr_detections"))
    try:
        yield _library(readers, sightings, face_sightings, writing, data, pruning)
    finally:
        await pruning.close()
        readers.close()
        writing.close()


def _library(
    pool: Readers,
    sightings: StoredSightings,
    face_sightings: StoredFaceSightings,
    writing: Writing,
    data: DataOverview,
    pruning: Pruning,
) -> Library:
    return Library(
        sightings=sightings,
        face_sightings=face_sightings,
        pictures=sightings,
        corrections=StoredCorrections(writing),
        cameras=StoredCameras(pool, StateRule()),
        data=data,
        pruning=pruning,
        services=StoredServiceHistory(pool),
        usage=StoredUsageCounts(pool),
    )
