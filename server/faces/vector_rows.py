"""Vectors of enrolled faces as the database has them, by model, and what an index follows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
import numpy as np

from server.faces.decision import Candidate, Vector, Vectors
from server.faces.index import Keys
from server.faces.keeping import ModelKey
from server.faces.many_ids import many

MOST_PEOPLE: Final = 12
"""Looked at closely: more than are told, and than a mean of pictures can bring forward."""

CHUNK: Final = 20_000
"""Vectors read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryState:
    """Which gallery this is, and how often it was changed."""

    gallery_id: str
    revision: int


def state(connection: apsw.Connection) -> GalleryState:
    row: Any = connection.execute("SELECT gallery_id, revision FROM face_gallery").fetchone()
    return GalleryState(gallery_id=row[0], revision=row[1])


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


def insert(
    connection: apsw.Connection, class_id: int, image_id: int, model: ModelKey, vector: Vector
) -> int:
    """The embedding's id."""
    connection.execute(
        "INSERT INTO face_embeddings (image_id, class_id, model, model_version, vector) "
        "VALUES (?, ?, ?, ?, ?)",
        (image_id, class_id, model.name, model.version, blob_of(vector)),
    )
    return connection.last_insert_rowid()


def ids(connection: apsw.Connection, model: ModelKey) -> Keys:
    """Of all embeddings of the model, rising."""
    rows = connection.execute(
        "SELECT embedding_id FROM face_embeddings WHERE model = ? AND model_version = ? "
        "ORDER BY embedding_id",
        (model.name, model.version),
    )
    return np.fromiter((row[0] for row in rows), dtype=np.uint64)


def in_chunks(
    connection: apsw.Connection, wanted: Keys, model: ModelKey
) -> Iterator[tuple[Keys, Vectors]]:
    """Embeddings by id; those that are gone are left out."""
    for start in range(0, len(wanted), CHUNK):
        part = tuple(int(key) for key in wanted[start : start + CHUNK])
        rows: Any = connection.execute(
            "SELECT embedding_id, vector FROM face_embeddings "
            "WHERE embedding_id IN (SELECT value FROM carray(?))",
            (many(part),),
        ).fetchall()
        keys = np.asarray([row[0] for row in rows], dtype=np.uint64)
        yield keys, vectors_of([row[1] for row in rows], model.numbers)


def candidates(
    connection: apsw.Connection, found: Sequence[Keys], model: ModelKey
) -> list[tuple[Candidate, ...]]:
    """Of each search: whose those embeddings are, the nearest MOST_PEOPLE of them, with all that is
    held on each. `found` has the nearest first.
    """
    owners = _owners(connection, {key for keys in found for key in keys.tolist()})
    nearest = [_owners_of(keys, owners) for keys in found]
    people = list({class_id: None for each in nearest for class_id in each})
    vectors = _held(connection, "face_embeddings", people, model)
    negatives = _held(connection, "face_negatives", people, model)
    nothing = np.empty((0, model.numbers), np.float32)
    held = {
        class_id: Candidate(
            class_id=class_id,
            vectors=vectors[class_id],
            negatives=negatives.get(class_id, nothing),
        )
        for class_id in people
    }
    return [tuple(held[class_id] for class_id in each) for each in nearest]


def _owners(connection: apsw.Connection, embeddings: Collection[int]) -> dict[int, int]:
    """The class id of each that is there. In one row: a step for each would give way to another
    thread, and wait for it, each time."""
    row: Any = connection.execute(
        "SELECT group_concat(embedding_id), group_concat(class_id) FROM face_embeddings "
        "WHERE embedding_id IN (SELECT value FROM carray(?))",
        (many(embeddings),),
    ).fetchone()
    if row[0] is None:
        return {}
    numbers, class_ids = (map(int, str(text).split(",")) for text in row)
    return dict(zip(numbers, class_ids, strict=True))


def _owners_of(keys: Keys, owners: Mapping[int, int]) -> list[int]:
    """The nearest first."""
    whose = (owners[key] for key in keys.tolist() if key in owners)
    return list(dict.fromkeys(whose))[:MOST_PEOPLE]


def held_of(connection: apsw.Connection, class_id: int, model: ModelKey) -> Candidate:
    """All that is held on one person, of the model."""
    nothing = np.empty((0, model.numbers), np.float32)
    found = [
        _held(connection, table, [class_id], model).get(class_id, nothing)
        for table in ("face_embeddings", "face_negatives")
    ]
    return Candidate(class_id=class_id, vectors=found[0], negatives=found[1])


def marks_of(connection: apsw.Connection, class_id: int, model: ModelKey) -> tuple[int, ...]:
    """By which it is known whether what is held on a person is still the same: a vector never
    changes under its id."""
    rows: Any = connection.execute(
        "SELECT embedding_id FROM face_embeddings WHERE class_id = ?1 AND model = ?2 "
        "AND model_version = ?3 UNION ALL "
        "SELECT -negative_id FROM face_negatives WHERE class_id = ?1 AND model = ?2 "
        "AND model_version = ?3 ORDER BY 1",
        (class_id, model.name, model.version),
    )
    return tuple(number for (number,) in rows)


def _held(
    connection: apsw.Connection, table: str, class_ids: Sequence[int], model: ModelKey
) -> dict[int, Vectors]:
    """By class id; who has none is left out. In one row, as `_owners`."""
    sql = f"""
        SELECT group_concat(class_id), group_concat(hex(vector), '') FROM (
            SELECT class_id, vector FROM {table} WHERE class_id IN (SELECT value FROM carray(?))
            AND model = ? AND model_version = ? ORDER BY class_id
        )
        """  # noqa: S608 (our own tables)
    row: Any = connection.execute(sql, (many(class_ids), model.name, model.version)).fetchone()
    if row[0] is None:
        return {}
    whose = np.asarray(str(row[0]).split(","), np.int64)
    vectors = vectors_of([bytes.fromhex(row[1])], model.numbers, count=len(whose))
    people, starts = np.unique(whose, return_index=True)
    parts = np.split(vectors, starts[1:])
    return dict(zip(people.tolist(), parts, strict=True))
