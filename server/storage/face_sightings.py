"""Faces that cameras saw, read. Implements the contract's FaceSightings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from server.errors import NotThere, QuestionInvalid
from server.row_id import LARGEST_ID, is_id
from server.storage.asking import Reader, Readers
from server.storage.picture_stores.contract import PictureReading
from server.storage.reading.face_sightings import MOST_FACES, FaceSighting
from server.storage.reading.sightings import Picture
from server.storage.times import moment_of

_COLUMNS: Final = (
    "id, device_id, captured_at, confidence_percent, quality, evidence, image_status, embedding, "
    "embedding_model"
)
_LARGEST_PX: Final = 100_000


def newest_of_one_writer(reader: Reader) -> int:
    """In SQLite one transaction after the other takes ids: no lower one comes later."""
    return int(reader.rows("SELECT coalesce(max(id), 0) FROM face_detections")[0][0])


class StoredFaceSightings:
    """`pool` and `pictures` belong to whoever made them. `newest` is the id up to which no face
    comes any more."""

    def __init__(
        self,
        pool: Readers,
        pictures: PictureReading,
        newest: Callable[[Reader], int] = newest_of_one_writer,
    ) -> None:
        self._pool = pool
        self._newest = newest
        self._pictures = pictures

    async def newest(
        self, *, device_id: str = "", before: int | None = None, limit: int = 48
    ) -> tuple[FaceSighting, ...]:
        if not 1 <= limit <= MOST_FACES:
            raise QuestionInvalid(f"limit={limit}: expected 1 to {MOST_FACES}, such as limit=48")
        below = LARGEST_ID if before is None else min(max(before, 0), LARGEST_ID)
        is_of_one = "device_id = ? AND " if device_id else ""
        values = ((device_id,) if device_id else ()) + (below, limit)
        return await self._found(f"{is_of_one}id < ? ORDER BY id DESC LIMIT ?", values)

    async def following(self, sighting_id: int, *, limit: int) -> tuple[FaceSighting, ...]:
        newest = await self._pool.ask(self._newest)
        return await self._found(
            "id > ? AND id <= ? ORDER BY id LIMIT ?", (sighting_id, newest, limit)
        )

    async def one(self, sighting_id: int) -> FaceSighting:
        found = await self._found("id = ?", (sighting_id,)) if is_id(sighting_id) else ()
        if not found:
            raise _no_sighting(sighting_id)
        return found[0]

    async def picture(self, sighting_id: int) -> Picture:
        sql = "SELECT image_sha256, received_at, image_status FROM face_detections WHERE id = ?"
        row = None
        if is_id(sighting_id):
            row = await self._pool.ask(lambda reader: reader.row(sql, (sighting_id,)))
        if row is None:
            raise _no_sighting(sighting_id)
        sha256, received_at, status = row
        if sha256 is None:
            raise NotThere(
                f"face {sighting_id} has no picture: its image_status is {status or 'missing'}"
            )
        day = str(received_at)[:10]
        content = await asyncio.to_thread(self._pictures.read, sha256, day)
        if content is None:
            raise NotThere(
                f"the picture of face {sighting_id} is gone: those that arrived on {day} were "
                "given up, or its file cannot be read"
            )
        return Picture(
            content=content,
            media_type="image/png" if content.startswith(b"\x89PNG") else "image/jpeg",
            sha256=sha256,
        )

    async def _found(self, where: str, values: tuple[Any, ...]) -> tuple[FaceSighting, ...]:
        sql = f"SELECT {_COLUMNS} FROM face_detections WHERE {where}"  # noqa: S608 (our own conditions)
        rows = await self._pool.ask(lambda reader: reader.rows_of(sql, values))
        return tuple(_sighting(row) for row in rows)


def _sighting(row: Mapping[str, Any]) -> FaceSighting:
    embedding = row["embedding"]
    return FaceSighting(
        id=row["id"],
        device_id=str(row["device_id"] or ""),
        captured_at=moment_of(row["captured_at"]),
        confidence_percent=row["confidence_percent"],
        quality=row["quality"],
        box=_box(row["evidence"]),
        has_picture=row["image_status"] == "present",
        embedding=None if embedding is None else bytes(embedding),
        embedding_model=row["embedding_model"],
    )


def _box(evidence: Any) -> tuple[float, float, float, float] | None:
    """In shares of the frame, of which the picture shows all."""
    try:
        whole = json.loads(evidence)
        width, height = (_length(each) for each in whole["frame_size"])
        x, y, w, h = (_length(each) for each in whole["box"])
        return x / width, y / height, w / width, h / height
    except (ValueError, TypeError, KeyError, ZeroDivisionError):
        return None  # an older camera, or one that says nothing of its frames


def _length(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not abs(value) < _LARGEST_PX
    ):
        raise ValueError(f"{value!r} is no length in pixels")
    return float(value)


def _no_sighting(sighting_id: int) -> NotThere:
    return NotThere(
        f"there is no face {sighting_id} of a camera: it never was, or it was given up as old"
    )
