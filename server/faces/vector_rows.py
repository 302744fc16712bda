"""Vectors of enrolled faces as the database has them, by model, and what an index follows."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from server.faces.decision import Candidate, Vector, Vectors
from server.faces.index import Keys, Owners
from server.faces.keeping import ModelKey
from server.storage.asking import Reader, Writer

CHUNK: Final = 20_000
"""Vectors read at once."""


def revision(reader: Reader) -> int:
    """How often the gallery was changed."""
    ((count,),) = reader.rows("SELECT revision FROM face_gallery")
    return int(count)


def blob_of(vector: Vector) -> bytes:
    """As the tables have it."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def vectors_of(blobs: Sequence[bytes], numbers: int, *, count: int | None = None) -> Vectors:
    """Shape (how many, numbers); raises ValueError where one has another length. `count` where
    several lie in one."""
    if not blobs:
        return np.empty((0, numbers), np.float32)
    joined = np.frombuffer(b"".join(blobs), dtype="<f4")
    return joined.reshape(len(blobs) if count is None else count, numbers).astype(np.float32)


def insert(writer: Writer, class_id: int, image_id: int, model: ModelKey, vector: Vector) -> int:
    """The embedding's id."""
    ((embedding_id,),) = writer.rows(
        "INSERT INTO face_embeddings (image_id, class_id, model, model_version, vector) "
        "VALUES (?, ?, ?, ?, ?) RETURNING embedding_id",
        (image_id, class_id, model.name, model.version, blob_of(vector)),
    )
    return int(embedding_id)


def those_of(reader: Reader, wanted: Keys, model: ModelKey) -> tuple[Keys, Owners, Vectors]:
    """Embeddings by id, CHUNK at most, and whose they are; those that are gone are left out."""
    rows = reader.rows(
        "SELECT embedding_id, class_id, vector FROM face_embeddings "  # noqa: S608 (our own columns)
        f"WHERE {reader.dialect.among('embedding_id', 'ids')}",
        {"ids": reader.dialect.numbers(tuple(wanted.tolist()))},
    )
    keys = np.asarray([row[0] for row in rows], dtype=np.uint64)
    owners = np.asarray([row[1] for row in rows], dtype=np.int64)
    return keys, owners, vectors_of([row[2] for row in rows], model.numbers)


def negatives_of(reader: Reader, class_ids: Sequence[int], model: ModelKey) -> dict[int, Vectors]:
    """By class id; who has none is left out."""
    return _held(reader, "face_negatives", class_ids, model)


def _numbers(text: str) -> NDArray[np.int64]:
    """Of whole numbers with commas between."""
    return np.fromstring(text, np.int64, sep=",")


def held_of(reader: Reader, class_id: int, model: ModelKey) -> Candidate:
    """All that is held on one person, of the model."""
    nothing = np.empty((0, model.numbers), np.float32)
    found = [
        _held(reader, table, [class_id], model).get(class_id, nothing)
        for table in ("face_embeddings", "face_negatives")
    ]
    return Candidate(class_id=class_id, vectors=found[0], negatives=found[1])


def marks_of(reader: Reader, class_id: int, model: ModelKey) -> tuple[int, ...]:
    """By which it is known whether what is held on a person is still the same: a vector never
    changes under its id."""
    rows = reader.rows(
        "SELECT embedding_id FROM face_embeddings WHERE class_id = :person AND model = :model "
        "AND model_version = :version UNION ALL "
        "SELECT -negative_id FROM face_negatives WHERE class_id = :person AND model = :model "
        "AND model_version = :version ORDER BY 1",
        {"person": class_id, "model": model.name, "version": model.version},
    )
    return tuple(number for (number,) in rows)


def _held(
    reader: Reader, table: str, class_ids: Sequence[int], model: ModelKey
) -> dict[int, Vectors]:
    """By class id; who has none is left out. In one row: a step for each would give way to another
    thread, and wait for it, each time."""
    sql = f"""
        SELECT string_agg(CAST(class_id AS TEXT), ','), string_agg(hex(vector), '') FROM (
            SELECT class_id, vector FROM {table} WHERE {reader.dialect.among("class_id", "ids")}
            AND model = :model AND model_version = :version ORDER BY class_id
        ) AS held
        """  # noqa: S608 (our own tables)
    values = {
        "ids": reader.dialect.numbers(tuple(class_ids)),
        "model": model.name,
        "version": model.version,
    }
    ((class_ids_text, digits),) = reader.rows(sql, values)
    if class_ids_text is None:
        return {}
    whose = _numbers(class_ids_text)
    vectors = vectors_of([unhexlify(digits)], model.numbers, count=len(whose))
    people, starts = np.unique(whose, return_index=True)
    bounds = [*starts.tolist(), len(whose)]
    return {
        class_id: vectors[start:end]
        for class_id, (start, end) in zip(people.tolist(), pairwise(bounds), strict=True)
    }
