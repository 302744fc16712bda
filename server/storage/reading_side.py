"""Everything of the contract `server.storage.reading`, on one SQLite database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from server.storage.cameras import SqliteCameras
from server.storage.corrections import SqliteCorrections
from server.storage.data_overview import SqliteDataOverview
from server.storage.pictures import PictureArchive
from server.storage.pruner import SqlitePruning
from server.storage.reader_pool import ReaderPool
from server.storage.reading.cameras import StateRule
from server.storage.sightings import SqliteSightings


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSide:
    """`sightings` gives their pictures too. Nothing here holds up the one that writes rows."""

    sightings: SqliteSightings
    corrections: SqliteCorrections
    cameras: SqliteCameras
    data: SqliteDataOverview
    pruning: SqlitePruning
    pool: ReaderPool
    archive: PictureArchive

    @classmethod
    def open(
        cls, database: Path, pictures: Path, *, retention_days: int, rule: StateRule | None = None
    ) -> Self:
        """Of a migrated database; files are opened with the first question."""
        pool, archive = ReaderPool(database), PictureArchive(pictures, read_only=True)
        return cls(
            sightings=SqliteSightings(pool, archive),
            corrections=SqliteCorrections(database),
            cameras=SqliteCameras(pool, rule or StateRule()),
            data=SqliteDataOverview(pool, database, pictures, retention_days=retention_days),
            pruning=SqlitePruning(database, pictures),
            pool=pool,
            archive=archive,
        )

    def close(self) -> None:
        """Waits for what is in hand, pruning's present transaction included; idempotent."""
        self.pruning.close()
        self.corrections.close()
        self.pool.close()
        self.archive.close()
