"""A camera that sends faces to a database of the test's, and what is read of them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from server.storage.face_sightings import StoredFaceSightings
from server.storage.picture_stores.contract import PictureReading
from server.storage.pictures import PictureArchive
from server.storage.reader_pool import ReaderPool
from server.storage.sqlite import SqliteStore
from tests.server.cameras import row_id
from tests.server.faces.tiny_faces import FACE_PX, SIDE
from tests.server.rows import hello_of
from wire.acceptance import accept_v1
from wire.limits import Limits
from wire.rows import FaceDetection, FaceRow, raw_json

SEEN_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
MIDDLE = ((SIDE - FACE_PX) // 2, (SIDE - FACE_PX) // 2, FACE_PX, FACE_PX)
"""Where the tiny detector sees its face: x, y, width, height."""


class FaceCamera:
    """On a migrated database; to be closed."""

    def __init__(self, database: Path) -> None:
        pictures = database.parent / "pictures"
        self._store = SqliteStore(database, pictures)
        self._pool = ReaderPool(database)
        self._archive = PictureArchive(pictures, read_only=True)
        self._numbers = count(1)
        self.sightings = StoredFaceSightings(self._pool, self._archive)

    def sightings_in(self, pictures: PictureReading) -> StoredFaceSightings:
        """With pictures that lie elsewhere."""
        return StoredFaceSightings(self._pool, pictures)

    async def sends(
        self,
        picture: bytes | None,
        *,
        device_id: str = "gate-1",
        at: datetime = SEEN_AT,
        box: tuple[int, int, int, int] = MIDDLE,
        embedding: bytes | None = None,
        embedding_model: str | None = None,
    ) -> int:
        """A face in that picture; the number of its row on the server."""
        number = next(self._numbers)
        row = FaceRow(
            id=row_id(number),
            sequence=number,
            captured_at=at,
            data=FaceDetection(
                image=picture,
                confidence=97.0,
                quality=0.8,
                box=box,
                embedding=embedding,
                embedding_model=embedding_model,
                evidence=raw_json({"frame_size": [SIDE, SIDE], "box": list(box)}),
            ),
        )
        accepted = accept_v1(row, hello_of(device_id), Limits())
        (outcome,) = await self._store.commit_group([accepted], at)
        return outcome.record_id

    async def close(self) -> None:
        self._pool.close()
        self._archive.close()
        await self._store.close()
