"""Faces of cameras, as the rules look at them: once the gallery has said whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from server.watchlist.contract import Source
from server.watchlist.engine import IDLE_S, SeenRow
from server.watchlist.keeping import ComparedFace, ComparedFaces
from server.watchlist.rules import Likeness, Seen, Subject

SOON_S: Final = 0.25
LOOKS: Final = 40
"""Soon, so often: a gallery that has not compared a face by then has no model, or much to do."""


class FaceRows:
    """Implements Rows. Whoever compares faces rings no bell: while one waits, it is looked soon."""

    source = Source.FACES
    name = f"alerts {Source.FACES}"
    begins_at_newest = False

    def __init__(self, faces: ComparedFaces) -> None:
        self._faces = faces
        self._waiting = 0
        self._looks = 0

    @property
    def look_again_s(self) -> float:
        return SOON_S if self._waiting and self._looks < LOOKS else IDLE_S

    async def newest(self) -> int:
        return await self._faces.compared()

    async def after(self, position: int, *, limit: int) -> Sequence[SeenRow]:
        found = await self._faces.after(position, limit=limit)
        newest = await self._faces.newest()
        is_behind = newest > (found[-1].id if found else position)
        self._looks = self._looks + 1 if newest == self._waiting else 0
        self._waiting = newest if is_behind else 0
        return [_row(each) for each in found]

    async def closer(self, row: SeenRow) -> Seen:
        return row.seen


def _row(face: ComparedFace) -> SeenRow:
    """A match that nobody could calibrate counts as sure: the gallery's own rule took it."""
    probability = 1.0 if face.probability is None else face.probability
    persons: tuple[Likeness, ...] = ()
    if face.class_id is not None:
        persons = (Likeness(class_id=face.class_id, probability=probability),)
    return SeenRow(
        row_id=face.id,
        received_at=face.received_at,
        seen=Seen(
            subject=Subject.PERSONS,
            sighting_id=face.id,
            device_id=face.device_id,
            at=face.captured_at or face.received_at,
            confidence_percent=face.confidence_percent,
            persons=persons,
            is_comparable=bool(persons) or face.is_stranger,
        ),
    )
