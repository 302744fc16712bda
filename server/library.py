"""Everything that is read of the centre's disk, and what is put right in it, opened together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from server.config import ServerSettings
from server.storage.cameras import StoredCameras
from server.storage.corrections import StoredCorrections
from server.storage.data_overview import SqliteDataOverview
from server.storage.face_sightings import StoredFaceSightings
from server.storage.pictures import PictureArchive
from server.storage.pruner import SqlitePruning
from server.storage.reader_pool import ReaderPool
from server.storage.reading.cameras import StateRule
from server.storage.reading.library import Library
from server.storage.service_minutes import StoredServiceHistory
from server.storage.sightings import StoredSightings
from server.storage.usage_counts import StoredUsageCounts
from server.storage.writing_thread import SqliteWriting


@contextlib.contextmanager
def library_of(settings: ServerSettings) -> Iterator[Library]:
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
        sightings = StoredSightings(pool, archive)
        yield Library(
            sightings=sightings,
            face_sightings=StoredFaceSightings(pool, archive),
            pictures=sightings,
            corrections=StoredCorrections(writing),
            cameras=StoredCameras(pool, StateRule()),
            data=SqliteDataOverview(
                pool,
                settings.db_path,
                settings.pictures_path,
                retention_days=settings.retention_days,
            ),
            pruning=pruning,
            services=StoredServiceHistory(pool),
            usage=StoredUsageCounts(pool),
        )
