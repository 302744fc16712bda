"""Everything that is read of the centre's disk, and what is put right in it, opened together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from server.config import ServerSettings
from server.storage.cameras import SqliteCameras
from server.storage.corrections import SqliteCorrections
from server.storage.data_overview import SqliteDataOverview
from server.storage.face_sightings import SqliteFaceSightings
from server.storage.pictures import PictureArchive
from server.storage.pruner import SqlitePruning
from server.storage.reader_pool import ReaderPool
from server.storage.reading.cameras import StateRule
from server.storage.reading.library import Library
from server.storage.service_minutes import SqliteServiceHistory
from server.storage.sightings import SqliteSightings
from server.storage.usage_counts import SqliteUsageCounts


@contextlib.contextmanager
def library_of(settings: ServerSettings) -> Iterator[Library]:
    """Of a migrated database. Leaving waits for the questions in hand: call it off the loop."""
    with contextlib.ExitStack() as opened:
        pool = ReaderPool(settings.db_path)
        opened.callback(pool.close)
        archive = PictureArchive(settings.pictures_path, read_only=True)
        opened.callback(archive.close)
        corrections = SqliteCorrections(settings.db_path)
        opened.callback(corrections.close)
        pruning = SqlitePruning(settings.db_path, settings.pictures_path)
        opened.callback(pruning.close)
        sightings = SqliteSightings(pool, archive)
        yield Library(
            sightings=sightings,
            face_sightings=SqliteFaceSightings(pool, archive),
            pictures=sightings,
            corrections=corrections,
            cameras=SqliteCameras(pool, StateRule()),
            data=SqliteDataOverview(
                pool,
                settings.db_path,
                settings.pictures_path,
                retention_days=settings.retention_days,
            ),
            pruning=pruning,
            services=SqliteServiceHistory(pool),
            usage=SqliteUsageCounts(pool),
        )
