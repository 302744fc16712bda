"""Plates that people put right, as the rules look at them: what was misread may be listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from server.storage.reading.feed import CorrectedFeed, CorrectedSighting
from server.watchlist.contract import Source
from server.watchlist.engine import IDLE_S, SeenRow
from server.watchlist.plate_rows import row_of
from server.watchlist.rules import Seen

_SURE_PERCENT: Final = 100.0
"""Somebody looked."""


class CorrectedRows:
    """Implements Rows; their ids are those of corrections. An alert that the sighting has raised
    already is not raised again."""

    source = Source.PLATES
    name = "alerts corrections"
    begins_at_newest = True
    look_again_s = IDLE_S

    def __init__(self, feed: CorrectedFeed) -> None:
        self._feed = feed

    async def newest(self) -> int:
        return await self._feed.newest()

    async def after(self, position: int, *, limit: int) -> Sequence[SeenRow]:
        return [_row(each) for each in await self._feed.after(position, limit=limit)]

    async def closer(self, row: SeenRow) -> Seen:
        return row.seen


def _row(corrected: CorrectedSighting) -> SeenRow:
    row = row_of(corrected.sighting)
    return replace(
        row,
        row_id=corrected.correction_id,
        corrected_by=corrected.corrected_by,
        seen=replace(row.seen, confidence_percent=_SURE_PERCENT),
    )
