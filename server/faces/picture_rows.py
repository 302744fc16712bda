"""Enrolment pictures as the database has them, and how much there is in the gallery."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import apsw

from server.errors import NotThere
from server.faces import person_rows, vector_rows
from server.faces.contract import PictureCard
from server.faces.vector_rows import ModelKey
from server.row_id import is_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """`waiting` pictures have no vector of the model that was asked for."""

    persons: int
    pictures: int
    waiting: int
    revision: int


def those_of(connection: apsw.Connection, class_id: int) -> tuple[PictureCard, ...]:
    """By id. Raises NotThere."""
    person_rows.find(connection, class_id)
    rows: Any = connection.execute(
        "SELECT image_id, class_id, quality, source, added_at FROM face_pictures "
        "WHERE class_id = ? ORDER BY image_id",
        (class_id,),
    )
    return tuple(
        PictureCard(
            image_id=image_id,
            class_id=owner,
            quality=float(json.loads(quality)["total"]),
            source=source,
            added_at=datetime.fromisoformat(added_at),
        )
        for image_id, owner, quality, source, added_at in rows
    )


def content(connection: apsw.Connection, image_id: int) -> bytes:
    """A JPEG. Raises NotThere."""
    row: Any = None
    if is_id(image_id):
        row = connection.execute(
            "SELECT content FROM face_pictures WHERE image_id = ?", (image_id,)
        ).fetchone()
    if row is None:
        raise NotThere(f"there is no picture {image_id}: there never was, or it was deleted")
    return bytes(row[0])


def is_there(connection: apsw.Connection, image_id: int) -> bool:
    """Whether the picture was not deleted meanwhile."""
    found = connection.execute("SELECT 1 FROM face_pictures WHERE image_id = ?", (image_id,))
    return found.fetchone() is not None


def without(
    connection: apsw.Connection, model: ModelKey, *, after: int, limit: int
) -> list[tuple[int, int, bytes]]:
    """Pictures with an id above `after` that have no vector of the model: id, class id, content."""
    rows: Any = connection.execute(
        "SELECT image_id, class_id, content FROM face_pictures f WHERE image_id > ? AND NOT EXISTS "
        "(SELECT 1 FROM face_embeddings e WHERE e.image_id = f.image_id AND e.model = ? "
        "AND e.model_version = ?) ORDER BY image_id LIMIT ?",
        (after, model.name, model.version, limit),
    )
    return [(image_id, class_id, bytes(found)) for image_id, class_id, found in rows]


def counted(connection: apsw.Connection, model: ModelKey | None) -> Counted:
    """Without a model every picture waits."""
    (persons,), (pictures,) = (
        _one(connection, f"SELECT count(*) FROM {table}")  # noqa: S608 (our own tables)
        for table in ("face_persons", "face_pictures")
    )
    have = 0
    if model is not None:
        (have,) = _one(
            connection,
            "SELECT count(*) FROM face_embeddings WHERE model = ? AND model_version = ?",
            (model.name, model.version),
        )
    return Counted(
        persons=persons,
        pictures=pictures,
        waiting=pictures - have,
        revision=vector_rows.state(connection).revision,
    )


def _one(connection: apsw.Connection, sql: str, values: tuple[Any, ...] = ()) -> Any:
    return connection.execute(sql, values).fetchone()
