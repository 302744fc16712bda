"""Finds the vectors nearest to one, among those of one model. A cache of what the database holds.

May be searched from many threads while it is written. What it finds are only candidates: the
database decides who is still enrolled.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import NDArray

from server.faces.decision import Vector, Vectors
from server.faces.sign_codes import (
    FIRST,
    STRIP,
    WORDS,
    Planes,
    Words,
    bits_set,
    distances,
    nearest,
)

Keys = NDArray[np.uint64]
"""Ids of embeddings, shape (n,)."""

COMPARED: Final = 512
"""Vectors whose codes are nearest are compared themselves."""

NEAR: Final = 4 * COMPARED
NEAR_SHARE: Final = 128
"""Of so many vectors one, and NEAR at least, is near enough by the first words of its code to have
all of it looked at. docs/measurements.md says why so many."""

_LARGEST: Final = 32_767
"""What 1 is in sixteen bits: for the small numbers of a face that is finer than half precision."""

_SPARE: Final = 8
"""Of so many places one more is kept for those to come."""


class FaceIndex:
    """All vectors, in sixteen bits a number, and their codes; a key is an embedding's id and means
    one vector for ever. Each search looks at every code, so that none is missed that has just come,
    and none is left of who went."""

    def __init__(self, numbers: int) -> None:
        """For vectors of so many numbers."""
        self.numbers = numbers
        self._planes = Planes(numbers)
        self._count = 0
        self._keys: Keys = np.empty(0, np.uint64)
        self._vectors: NDArray[np.int16] = np.empty((0, numbers), np.int16)
        self._strips: Words = np.empty((0, FIRST, STRIP), np.uint64)
        self._rest: Words = np.empty((0, WORDS - FIRST), np.uint64)
        self._gate = _SharedGate()

    def __len__(self) -> int:
        with self._gate.shared():
            return self._count

    def keys(self) -> Keys:
        """In no order."""
        with self._gate.shared():
            return self._keys[: self._count].copy()

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Keys that it has not."""
        if not len(keys):
            return
        codes = self._planes.codes(vectors)
        sixteen_bits = np.rint(vectors * _LARGEST).astype(np.int16)
        with self._gate.alone():
            new = np.arange(self._count, self._count + len(keys))
            self._make_room(self._count + len(keys))
            self._keys[new] = keys
            self._vectors[new] = sixteen_bits
            self._strips[new // STRIP, :, new % STRIP] = codes[:, :FIRST]
            self._rest[new] = codes[:, FIRST:]
            self._count += len(keys)

    def remove(self, keys: Keys) -> None:
        """Those that it has go, others are passed over. The last ones take their places, and what
        the last ones leave is overwritten: none of these arrays keeps a face."""
        if not len(keys):
            return
        with self._gate.alone():
            gone = np.flatnonzero(np.isin(self._keys[: self._count], keys))
            left = self._count - len(gone)
            free = gone[gone < left]
            last = np.setdiff1d(np.arange(left, self._count), gone)
            strips = self._strips
            for held in (self._keys, self._vectors, self._rest):
                held[free] = held[last]
            strips[free // STRIP, :, free % STRIP] = strips[last // STRIP, :, last % STRIP]
            empty = np.arange(left, self._count)
            for held in (self._keys, self._vectors, self._rest):
                held[empty] = 0
            strips[empty // STRIP, :, empty % STRIP] = 0
            self._count = left

    def search(self, vectors: Vectors, most: int) -> list[Keys]:
        """The nearest to each, the best first; at most so many of each, and not more than
        COMPARED."""
        codes = self._planes.codes(vectors)
        with self._gate.shared():
            return [
                self._search(vector, code, most)
                for vector, code in zip(vectors, codes, strict=True)
            ]

    def _search(self, vector: Vector, code: Words, most: int) -> Keys:
        near = self._near(code)
        opposite = -(self._vectors.take(near, axis=0).astype(np.float32) @ vector)
        best = np.arange(len(near))
        if most < len(near):
            best = opposite.argpartition(most)[:most]
        return self._keys[near[best[opposite[best].argsort()]]]

    def _near(self, code: Words) -> NDArray[np.intp]:
        """Places of at least COMPARED vectors, where there are so many."""
        count = self._count
        if count <= COMPARED:
            return np.arange(count)
        first = distances(self._strips, count, code)
        near = nearest(first, min(count, max(NEAR, count // NEAR_SHARE)))
        # An exact opposite, whose 256 bits all differ, counts as 0: its cosine tells it.
        rest = bits_set(self._rest.take(near, axis=0) ^ code[FIRST:])
        return near[nearest(first[near] + rest[:, 0] + rest[:, 1], COMPARED)]

    def _make_room(self, count: int) -> None:
        """Nobody looks at the arrays meanwhile, so that they may grow where they are: the gallery
        is never in memory twice. The keys grow last: where memory ends before, there is no room."""
        if count <= len(self._keys):
            return
        places = count + count // _SPARE
        self._vectors.resize((places, self.numbers), refcheck=False)
        self._rest.resize((places, WORDS - FIRST), refcheck=False)
        self._strips.resize((-(-places // STRIP), FIRST, STRIP), refcheck=False)
        self._keys.resize(places, refcheck=False)


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
