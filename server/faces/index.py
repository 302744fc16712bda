"""Finds whose vectors are nearest to one, among those of one model. A cache of what the database
holds, which may be searched from many threads while it is written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from server.faces.decision import Vectors
from server.faces.eight_bits import ONE, EightBitVectors, SixteenBits
from server.faces.sign_codes import COMPARED, Places, SignCodes

Keys = NDArray[np.uint64]
"""Ids of embeddings, shape (n,)."""

Owners = NDArray[np.int64]
"""Class ids of whom they are, shape (n,)."""

AMONG: Final = 32
"""Nearest vectors whose owners are looked at closely."""

MOST_MULTIPLIED: Final = 1 << 24
"""Where all vectors together have no more numbers (131,072 of 128, 32,768 of 512), which caches can
hold, each is multiplied with what is asked: exact, and the quickest for many questions at once.
Among more, codes tell who may be near."""

_MULTIPLIED_AGAIN: Final = 64
"""Of the nearest by eight bits a number so many, the exact ones."""

_SPARE: Final = 8
"""Of so many places one more is kept for those to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Of each question who has one of the nearest vectors, the nearest first; and of everybody who
    is named all vectors, shape (how many, numbers)."""

    people: list[list[int]]
    held: dict[int, Vectors]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ByOwner:
    """Places in the order of their owners, and those."""

    places: Places
    owners: Owners

    def found(self, people: Sequence[int]) -> tuple[Places, Places]:
        """Where the places of each begin, and how many they are."""
        starts = self.owners.searchsorted(people)
        return starts, self.owners.searchsorted(people, "right") - starts


class FaceIndex:
    """All vectors, in sixteen bits a number, which for the small numbers of a face is finer than
    half precision; a key is an embedding's id and means one vector of one person for ever. Each
    search looks at all that are there, so that none is missed that has just come, and none is left
    of who went."""

    def __init__(self, numbers: int, *, most_multiplied: int = MOST_MULTIPLIED) -> None:
        """For vectors of so many numbers."""
        self.numbers = numbers
        self._most_multiplied = most_multiplied
        self._count = 0
        self._keys: Keys = np.empty(0, np.uint64)
        self._owners: Owners = np.empty(0, np.int64)
        self._by_owner: _ByOwner | None = None
        self._sorting = threading.Lock()
        self._vectors: SixteenBits = np.empty((0, numbers), np.int16)
        self._codes = SignCodes(numbers)
        self._eight_bits = EightBitVectors(numbers)
        self._gate = _SharedGate()

    def __len__(self) -> int:
        with self._gate.shared():
            return self._count

    def keys(self) -> Keys:
        """In no order."""
        with self._gate.shared():
            return self._keys[: self._count].copy()

    def add(self, keys: Keys, owners: Owners, vectors: Vectors) -> None:
        """Keys that it has not."""
        if not len(keys):
            return
        codes = self._codes.of(vectors)
        sixteen_bits = np.rint(vectors * ONE).astype(np.int16)
        with self._gate.alone():
            new = np.arange(self._count, self._count + len(keys))
            self._make_room(self._count + len(keys))
            self._keys[new] = keys
            self._owners[new] = owners
            self._by_owner = None
            self._vectors[new] = sixteen_bits
            self._codes.put(new, codes)
            self._eight_bits.forget(new)
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
            empty = np.arange(left, self._count)
            self._count = 0  # whatever breaks this off leaves no key with another's vector
            self._by_owner = None
            for held in (self._keys, self._owners, self._vectors):
                held[free] = held[last]
                held[empty] = 0
            self._codes.move(last, free)
            self._codes.clear(empty)
            self._eight_bits.forget(np.concatenate([free, empty]))
            self._count = left

    def search(self, vectors: Vectors, most: int) -> list[Keys]:
        """The nearest to each, the best first: at most so many of each, and no more than codes
        call near."""
        with self._gate.shared():
            return [self._keys[places] for places in self._nearest(vectors, most)]

    def people(self, vectors: Vectors, most: Sequence[int]) -> Found:
        """Of each vector at most so many people with one of the AMONG nearest. Where all of these
        are one person's, who comes next too: their lead before the second-best counts."""
        with self._gate.shared():
            people = [
                owners[:count] for owners, count in zip(self._near(vectors), most, strict=True)
            ]
            named = sorted({class_id for each in people for class_id in each})
            by_owner = self._sorted_by_owner()
            starts, counts = by_owner.found(named)
            ends = np.cumsum(counts)
            within = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
            places = by_owner.places[np.repeat(starts, counts) + within]
            held = self._vectors.take(places, axis=0) * np.float32(1 / ONE)
        bounds = pairwise([0, *ends.tolist()])
        parts = {who: held[start:end] for who, (start, end) in zip(named, bounds, strict=True)}
        return Found(people=people, held=parts)

    def _near(self, vectors: Vectors) -> list[list[int]]:
        """Whose the nearest to each are, each once, the nearest first."""
        found = self._owners_of(self._nearest(vectors, AMONG))
        if self._count > AMONG:
            for number, owners in enumerate(found):
                if len(owners) == 1:
                    _, (theirs,) = self._sorted_by_owner().found(owners)
                    more = self._nearest(vectors[number : number + 1], int(theirs) + 1)
                    (found[number],) = self._owners_of(more)
        return found

    def _owners_of(self, near: Sequence[Places]) -> list[list[int]]:
        return [list(dict.fromkeys(self._owners[places].tolist())) for places in near]

    def _nearest(self, vectors: Vectors, most: int) -> Sequence[Places]:
        if not self._count:
            return [np.empty(0, np.intp) for _ in vectors]
        if self._count * self.numbers <= self._most_multiplied:
            near = self._eight_bits.nearest(
                self._vectors,
                self._count,
                vectors,
                min(self._count, max(_MULTIPLIED_AGAIN, 2 * most)),
            )
            return list(self._best(vectors, near, most))
        return [
            self._best(vector, places[np.newaxis], most)[0]
            for vector, places in zip(
                np.split(vectors, len(vectors)),
                self._codes.nearest(self._count, vectors, max(COMPARED, 2 * most)),
                strict=True,
            )
        ]

    def _best(self, vectors: Vectors, near: Places, most: int) -> Places:
        """The nearest to each among those places, shape (len(vectors), how many)."""
        held = self._vectors.take(near, axis=0).astype(np.float32)
        opposite = -np.einsum("ijk,ik->ij", held, vectors)
        if most < near.shape[1]:
            kept = opposite.argpartition(most, axis=1)[:, :most]
            near = np.take_along_axis(near, kept, axis=1)
            opposite = np.take_along_axis(opposite, kept, axis=1)
        return np.take_along_axis(near, opposite.argsort(axis=1), axis=1)

    def _sorted_by_owner(self) -> _ByOwner:
        with self._sorting:
            if self._by_owner is None:
                owners = self._owners[: self._count]
                places = owners.argsort(kind="stable")
                self._by_owner = _ByOwner(places=places, owners=owners[places])
            return self._by_owner

    def _make_room(self, count: int) -> None:
        """Nobody looks at the arrays meanwhile, so that they may grow where they are: the gallery
        is never in memory twice. The keys grow last: where memory ends before, there is no room."""
        if count <= len(self._keys):
            return
        places = count + count // _SPARE
        self._vectors.resize((places, self.numbers), refcheck=False)
        self._codes.make_room(places)
        self._owners.resize(places, refcheck=False)
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
