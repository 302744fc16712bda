"""Plates that were read, as the rules look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from server.storage.reading.feed import SightingFeed
from server.storage.reading.sightings import SightingDetail
from server.watchlist.contract import Source
from server.watchlist.engine import IDLE_S, SeenRow
from server.watchlist.rules import Seen, Subject

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PlateRows:
    """Implements Rows."""

    source = Source.PLATES
    name = f"alerts {Source.PLATES}"
    begins_at_newest = False
    look_again_s = IDLE_S

    def __init__(self, feed: SightingFeed) -> None:
        self._feed = feed

    async def newest(self) -> int:
        return await self._feed.newest()

    async def after(self, position: int, *, limit: int) -> Sequence[SeenRow]:
        return [row_of(each) for each in await self._feed.after(position, limit=limit)]

    async def closer(self, row: SeenRow) -> Seen:
        found = await self._feed.after(row.row_id - 1, limit=1, with_evidence=True)
        is_there = bool(found) and found[0].card.id == row.row_id
        return row_of(found[0]).seen if is_there else row.seen


def row_of(detail: SightingDetail) -> SeenRow:
    """Where a camera's time cannot be understood, that of arrival."""
    card = detail.card
    received_at = card.received_at or _LONG_AGO
    characters = () if detail.evidence is None else detail.evidence.characters
    is_told = card.plate == card.read_plate
    return SeenRow(
        row_id=card.id,
        received_at=received_at,
        seen=Seen(
            subject=Subject.PLATES,
            sighting_id=card.id,
            device_id=card.device_id,
            at=card.captured_at or received_at,
            confidence_percent=card.confidence_percent,
            plate=card.plate,
            alternatives=[
                (each.text, each.confidence or 0.0, each.alternatives) for each in characters
            ]
            if is_told
            else (),
        ),
    )
