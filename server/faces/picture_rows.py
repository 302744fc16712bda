"""Enrolment pictures as the database has them, and how much there is in the gallery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from server.errors import NotThere
from server.faces import person_rows, vector_rows
from server.faces.contract import PictureCard
from server.faces.keeping import Counted, ModelKey
from server.faces.vault import PictureVault
from server.row_id import is_id
from server.storage.asking import Reader, Writer


def those_of(reader: Reader, class_id: int) -> tuple[PictureCard, ...]:
    """By id. Raises NotThere."""
    person_rows.find(reader, class_id)
    rows = reader.rows(
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


def content(reader: Reader, image_id: int, vault: PictureVault) -> bytes:
    """A JPEG. Raises NotThere, PictureLocked."""
    row: Any = None
    if is_id(image_id):
        row = reader.row(
            "SELECT content, source_sha256 FROM face_pictures WHERE image_id = ?", (image_id,)
        )
    if row is None:
        raise NotThere(f"there is no picture {image_id}: there never was, or it was deleted")
    return vault.opened(bytes(row[0]), name=row[1])


def first_of(reader: Reader, class_ids: Sequence[int]) -> dict[int, int]:
    """The id of each person's first picture, by class id."""
    rows = reader.rows(
        "SELECT class_id, min(image_id) FROM face_pictures "  # noqa: S608 (our own columns)
        f"WHERE {reader.dialect.among('class_id', 'ids')} GROUP BY class_id",
        {"ids": reader.dialect.numbers(tuple(class_ids))},
    )
    return dict(rows)


def is_there(reader: Reader, image_id: int) -> bool:
    """Whether the picture was not deleted meanwhile."""
    found = reader.row("SELECT 1 FROM face_pictures WHERE image_id = ?", (image_id,))
    return found is not None


def without(
    reader: Reader, model: ModelKey, vault: PictureVault, *, after: int, limit: int
) -> list[tuple[int, int, bytes]]:
    """Pictures with an id above `after` that have no vector of the model: id, class id, content.

    Raises PictureLocked.
    """
    rows = reader.rows(
        "SELECT image_id, class_id, content, source_sha256 FROM face_pictures f "
        "WHERE image_id > ? AND NOT EXISTS "
        "(SELECT 1 FROM face_embeddings e WHERE e.image_id = f.image_id AND e.model = ? "
        "AND e.model_version = ?) ORDER BY image_id LIMIT ?",
        (after, model.name, model.version, limit),
    )
    return [
        (image_id, class_id, vault.opened(bytes(found), name=name))
        for image_id, class_id, found, name in rows
    ]


def seal_some(
    writer: Writer, vault: PictureVault, *, after: int, most: int = 64
) -> tuple[int, int | None]:
    """Seals with the newest key those of the next pictures that are plain or under an older one:
    how many, and after which id to go on, None: that was all. Raises PictureLocked."""
    rows = writer.rows(
        "SELECT image_id, content, source_sha256 FROM face_pictures WHERE image_id > ? "
        "ORDER BY image_id LIMIT ?",
        (after, most),
    )
    sealed = [
        (vault.sealed(vault.opened(bytes(kept), name=name), name=name), image_id)
        for image_id, kept, name in rows
        if not vault.is_current(bytes(kept))
    ]
    writer.change_each("UPDATE face_pictures SET content = ? WHERE image_id = ?", sealed)
    return len(sealed), rows[-1][0] if rows else None


def counted(reader: Reader, model: ModelKey | None) -> Counted:
    """Without a model every picture waits."""
    persons, pictures = (
        _number(reader, f"SELECT count(*) FROM {table}")  # noqa: S608 (our own tables)
        for table in ("face_persons", "face_pictures")
    )
    have = 0
    if model is not None:
        have = _number(
            reader,
            "SELECT count(*) FROM face_embeddings WHERE model = ? AND model_version = ?",
            (model.name, model.version),
        )
    return Counted(
        persons=persons,
        pictures=pictures,
        waiting=pictures - have,
        revision=vector_rows.revision(reader),
    )


def _number(reader: Reader, sql: str, values: tuple[Any, ...] = ()) -> int:
    return int(reader.rows(sql, values)[0][0])
