"""Sightings that people put right, in the order of that, from the database. Implements
CorrectedFeed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from server.storage.asking import Reader, Readers
from server.storage.reading.feed import CorrectedSighting
from server.storage.sighting_rows import DETAIL_COLUMNS, detail_of, rows_by_id

_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM corrections"
_NEXT: Final = (
    "SELECT c.id, c.sighting_id, c.corrected_by FROM corrections c "
    "JOIN lpr_detections d ON d.id = c.sighting_id WHERE c.id > ? AND c.undoes IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM corrections WHERE sighting_id = c.sighting_id "
    "AND undoes = c.id) ORDER BY c.id LIMIT ?"
)


class StoredCorrectedFeed:
    """`pool` belongs to whoever made it. One correction after the other takes its id."""

    def __init__(self, pool: Readers) -> None:
        self._pool = pool

    async def newest(self) -> int:
        return await self._pool.ask(lambda reader: int(reader.rows(_NEWEST)[0][0]))

    async def after(self, position: int, *, limit: int) -> Sequence[CorrectedSighting]:
        def work(reader: Reader) -> list[CorrectedSighting]:
            found = reader.rows(_NEXT, (position, limit))
            rows = rows_by_id(reader, [sighting_id for _, sighting_id, _ in found], DETAIL_COLUMNS)
            return [
                CorrectedSighting(
                    correction_id=int(number),
                    corrected_by=str(by),
                    sighting=detail_of(rows[sighting_id]),
                )
                for number, sighting_id, by in found
                if sighting_id in rows
            ]

        return await self._pool.ask(work)
