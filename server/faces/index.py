"""Finds the vectors nearest to one, among those of one model. A cache of what the database holds.

May be searched from many threads while it is written. What it finds are only candidates: the
database decides who is still enrolled.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from server.faces.decision import Vectors

Keys = NDArray[np.uint64]
"""Ids of embeddings, shape (n,)."""

CONNECTIVITY: Final = 16
EXPANSION_ADD: Final = 128
EXPANSION_SEARCH: Final = 128
"""Of the graph (Malkov, Yashunin 2016: M, efConstruction, ef); docs/measurements.md says why."""


class FaceIndex:
    """A graph of vectors in half precision; a key is an embedding's id and means one vector for
    ever."""

    def __init__(self, numbers: int) -> None:
        """For vectors of so many numbers."""
        self.numbers = numbers
        self._index = _empty(numbers)
        self._gate = _SharedGate()

    def __len__(self) -> int:
        with self._gate.shared():
            return len(self._index)

    def keys(self) -> Keys:
        """In no order."""
        with self._gate.shared():
            return np.asarray(self._index.keys, dtype=np.uint64).reshape(-1).copy()

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Keys that it has not."""
        if len(keys):
            with self._gate.alone():
                self._index.add(keys, vectors)

    def remove(self, keys: Keys) -> None:
        """Those that it has go, others are passed over."""
        with self._gate.alone():
            for key in keys:
                if int(key) in self._index:
                    self._index.remove(int(key))

    def search(self, vectors: Vectors, most: int) -> list[Keys]:
        """The nearest to each, the best first; at most so many of each."""
        with self._gate.shared():
            if not len(self._index):
                return [np.empty(0, np.uint64) for _ in vectors]
            found = self._index.search(
                vectors.reshape(-1, self.numbers), min(most, len(self._index)), threads=1
            )
            # One vector alone is answered without a dimension for how many there were.
            keys = np.asarray(found.keys, dtype=np.uint64).reshape(len(vectors), -1)
            counts = getattr(found, "counts", [keys.shape[1]])
            return [row[:count].copy() for row, count in zip(keys, counts, strict=True)]

    def save(self, path: Path) -> None:
        """Writes a file; durable is for whoever calls."""
        with self._gate.shared():
            self._index.save(str(path))

    @classmethod
    def load(cls, path: Path, numbers: int) -> FaceIndex:
        """What `save` wrote; raises ValueError where it is none of so many numbers."""
        made = cls(numbers)
        try:
            made._index.load(str(path))
        except (RuntimeError, ValueError, OSError) as error:
            raise ValueError(f"{path} is no index: {error}") from error
        if made._index.ndim != numbers:
            raise ValueError(f"{path} has {made._index.ndim} numbers, expected {numbers}")
        return made


def _empty(numbers: int) -> Index:
    return Index(
        ndim=numbers,
        metric="ip",
        dtype="f16",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )


class _SharedGate:
    """Many at once, or one alone; who waits to be alone goes before those that come after."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._inside = 0
        self._waiting_alone = 0
        self._is_alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._turn:
            self._turn.wait_for(lambda: not self._is_alone and not self._waiting_alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._turn:
                self._inside -= 1
                self._turn.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._turn:
            self._waiting_alone += 1
            try:
                self._turn.wait_for(lambda: not self._is_alone and not self._inside)
                self._is_alone = True
            finally:
                self._waiting_alone -= 1
        try:
            yield
        finally:
            with self._turn:
                self._is_alone = False
                self._turn.notify_all()
