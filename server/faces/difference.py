"""What an index lacks of the database or has too much: listed only where their counts differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from server.faces import vector_rows
from server.faces.index import Keys
from server.faces.keeping import ModelKey
from server.storage.asking import Reader

PIECE: Final = 4096
"""Numbers that are counted together, where something is gone, and listed where it is among them."""

_OF: Final = "FROM face_embeddings WHERE model = ? AND model_version = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Between an index and a revision of the database. Both rise."""

    revision: int
    missing: Keys
    gone: Keys


def difference(reader: Reader, held: Keys, model: ModelKey, *, piece: int = PIECE) -> Difference:
    """`held` are the embeddings of the index, in any order.

    Ids are given in the order in which changes are committed, and never twice: what is new lies
    above all that were ever seen. So as many below as the index has are the same ones.
    """
    held = np.sort(held)
    highest = int(held[-1]) if len(held) else 0
    missing, gone = [_between(reader, model, highest + 1, None)], []
    if _count_to(reader, model, highest) != len(held):
        for first, last in _pieces_that_differ(reader, model, held, piece):
            there = _between(reader, model, first, last)
            ours = held[np.searchsorted(held, first) : np.searchsorted(held, last, "right")]
            gone.append(np.setdiff1d(ours, there))
            missing.append(np.setdiff1d(there, ours))
    return Difference(
        revision=vector_rows.revision(reader),
        missing=np.unique(np.concatenate(missing)),
        gone=np.unique(np.concatenate([*gone, np.empty(0, np.uint64)])),
    )


def _count_to(reader: Reader, model: ModelKey, highest: int) -> int:
    values = (model.name, model.version, highest)
    ((count,),) = reader.rows(f"SELECT count(*) {_OF} AND embedding_id <= ?", values)
    return int(count)


def _between(reader: Reader, model: ModelKey, first: int, last: int | None) -> Keys:
    """Both included."""
    sql = f"SELECT embedding_id {_OF} AND embedding_id >= ?"
    values = [model.name, model.version, first]
    if last is not None:
        sql, values = f"{sql} AND embedding_id <= ?", [*values, last]
    return np.fromiter((row[0] for row in reader.rows(sql, tuple(values))), dtype=np.uint64)


def _pieces_that_differ(
    reader: Reader, model: ModelKey, held: Keys, piece: int
) -> Iterator[tuple[int, int]]:
    """The first and last number of each, up to the highest that is held."""
    highest = int(held[-1])
    sql = f"SELECT embedding_id / {piece}, count(*) {_OF} AND embedding_id <= ? GROUP BY 1"
    there = np.zeros(highest // piece + 1, np.int64)
    for number, count in reader.rows(sql, (model.name, model.version, highest)):
        there[number] = count
    ours = np.bincount((held // piece).astype(np.int64), minlength=len(there))
    for number in np.flatnonzero(there != ours).tolist():
        yield number * piece, min((number + 1) * piece - 1, highest)
