"""Faces that were compared with the gallery, Implements the contract's ComparedFaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from server.storage.asking import Reader, Readers
from server.storage.times import moment_of, own_moment
from server.watchlist.keeping import ComparedFace

_COMPARED: Final = "SELECT sighting_id FROM face_follower"
_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM face_detections"
_AFTER: Final = f"""
SELECT f.id, f.device_id, f.captured_at, f.received_at, f.confidence_percent, m.class_id,
    m.probability, v.visitor_id
FROM face_detections f
LEFT JOIN face_matches m ON m.sighting_id = f.id
LEFT JOIN face_visitors v ON v.sighting_id = f.id
WHERE f.id > ? AND f.id <= ({_COMPARED}) ORDER BY f.id LIMIT ?
"""  # noqa: S608 (our own names)


class StoredComparedFaces:
    """`pool` belongs to whoever made it."""

    def __init__(self, pool: Readers) -> None:
        self._pool = pool

    async def compared(self) -> int:
        return await self._number(_COMPARED)

    async def newest(self) -> int:
        return await self._number(_NEWEST)

    async def after(self, position: int, *, limit: int) -> Sequence[ComparedFace]:
        def work(reader: Reader) -> list[ComparedFace]:
            return [_face(row) for row in reader.rows(_AFTER, (position, limit))]

        found: list[ComparedFace] = await self._pool.ask(work)
        return found

    async def _number(self, sql: str) -> int:
        return int((await self._pool.ask(lambda reader: reader.rows(sql)))[0][0])


def _face(row: Any) -> ComparedFace:
    number, device_id, captured_at, received_at, confidence, class_id, probability, visitor = row
    return ComparedFace(
        id=number,
        device_id=device_id or "",
        captured_at=moment_of(captured_at),
        received_at=own_moment(received_at),
        confidence_percent=confidence,
        class_id=class_id,
        probability=probability,
        is_stranger=visitor is not None,
    )
