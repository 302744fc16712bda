"""Sightings in the order of their ids, from the database. Implements SightingFeed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from server.storage.asking import Reader, Readers
from server.storage.reading.sightings import SightingDetail
from server.storage.sighting_rows import DETAIL_COLUMNS, corrections_of, detail_of
from server.storage.times import text_of

CLOCKS_APART: Final = timedelta(minutes=5)
"""So far, at most, the times of arrival of rows that follow each other may go back: each process
notes them by its own clock, and may wait for the database with the ids of a group."""

_NEXT: Final = "SELECT id, received_at FROM lpr_detections WHERE id > ? ORDER BY id LIMIT 1"
_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM lpr_detections"


def highest(reader: Reader) -> int:
    """The highest id that there is. In SQLite one transaction after the other takes ids: no lower
    one comes later."""
    return int(reader.rows(_NEWEST)[0][0])


class StoredFeed:
    """`pool` belongs to whoever made it. `newest` is the id up to which no row comes any more."""

    def __init__(self, pool: Readers, newest: Callable[[Reader], int] = highest) -> None:
        self._pool = pool
        self._newest = newest

    async def newest(self) -> int:
        return await self._pool.ask(self._newest)

    async def before(self, moment: datetime) -> int:
        """An id after which are all rows that arrived at that moment or later, and few others: rows
        arrive in the order of their ids, but for CLOCKS_APART, so that halving finds it without an
        index."""
        begin = text_of(moment - CLOCKS_APART)

        def work(reader: Reader) -> int:
            low, high = 0, self._newest(reader)
            while low < high:
                middle = (low + high) // 2
                row = reader.row(_NEXT, (middle,))
                if row is None or str(row[1]) >= begin:
                    high = middle
                else:
                    low = int(row[0])
            return low

        return await self._pool.ask(work)

    async def after(
        self, position: int, *, limit: int, with_evidence: bool = False
    ) -> Sequence[SightingDetail]:
        columns = f"{DETAIL_COLUMNS}, evidence" if with_evidence else DETAIL_COLUMNS
        sql = f"SELECT {columns} FROM lpr_detections WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"  # noqa: S608 (our own names)

        def work(reader: Reader) -> list[SightingDetail]:
            rows = reader.rows_of(sql, (position, self._newest(reader), limit))
            corrections = corrections_of(reader, [row["id"] for row in rows])
            return [detail_of(row, corrections.get(row["id"], ())) for row in rows]

        return await self._pool.ask(work)
