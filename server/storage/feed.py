"""Sightings in the order of their ids, read from SQLite. Implements the contract's SightingFeed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from server.storage.asking import Reader, Readers
from server.storage.reading.sightings import SightingDetail
from server.storage.sighting_rows import DETAIL_COLUMNS, corrections_of, detail_of
from server.storage.times import text_of

_NEXT: Final = "SELECT id, received_at FROM lpr_detections WHERE id > ? ORDER BY id LIMIT 1"
_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM lpr_detections"


class SqliteFeed:
    """`pool` belongs to whoever made it. The writer of rows counts their ids in its transactions,
    one after the other, so that no lower one comes later."""

    def __init__(self, pool: Readers) -> None:
        self._pool = pool

    async def newest(self) -> int:
        return await self._pool.ask(lambda reader: int(reader.rows(_NEWEST)[0][0]))

    async def before(self, moment: datetime) -> int:
        """The id after which rows arrived at that moment or later: rows arrive in the order of
        their ids, so that halving finds it without an index."""

        def work(reader: Reader) -> int:
            low, high = 0, int(reader.rows(_NEWEST)[0][0])
            while low < high:
                middle = (low + high) // 2
                row = reader.row(_NEXT, (middle,))
                if row is None or str(row[1]) >= text_of(moment):
                    high = middle
                else:
                    low = int(row[0])
            return low

        return await self._pool.ask(work)

    async def after(
        self, position: int, *, limit: int, with_evidence: bool = False
    ) -> Sequence[SightingDetail]:
        columns = f"{DETAIL_COLUMNS}, evidence" if with_evidence else DETAIL_COLUMNS
        sql = f"SELECT {columns} FROM lpr_detections WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 (our own names)

        def work(reader: Reader) -> list[SightingDetail]:
            rows = reader.rows_of(sql, (position, limit))
            corrections = corrections_of(reader, [row["id"] for row in rows])
            return [detail_of(row, corrections.get(row["id"], ())) for row in rows]

        return await self._pool.ask(work)
