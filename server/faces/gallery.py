"""The gallery: what the database holds, and an index of it that never says anything else.

Blocking and safe for many threads. A change is committed first and put into the index then. Whoever
searches compares the index's revision with the database's and brings the index up to date where
they differ: after a crash, or where another program (`python -m server faces`) changed the gallery.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeVar

import numpy as np

from server.faces import person_rows, vector_rows
from server.faces.database import GalleryDatabase
from server.faces.decision import Candidate, Rule, Vector, Vectors, decide_all
from server.faces.difference import difference
from server.faces.index import FaceIndex
from server.faces.keeping import ModelKey, Told
from server.faces.ledger import Ledger
from server.faces.meter import FaceMeter
from server.faces.vault import PictureVault
from server.storage.asking import Reader, Writer
from server.storage.connection import storage_errors

T = TypeVar("T")

MOST_PEOPLE: Final = 12
LEAST_PEOPLE: Final = 8
MORE_PEOPLE: Final = 3
"""Looked at closely: so many more than are told, as a mean of pictures can bring somebody forward,
and between LEAST_PEOPLE and MOST_PEOPLE."""

_LOOKS: Final = 3

_CHANGING: Final = -1
"""No revision: the index is that of none while it is changed. Who searched meanwhile does so again.
"""


class Read(Protocol):
    """Gives what some work finds in the database."""

    def __call__(self, work: Callable[[Reader], T], /) -> T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Whose it is is asked: `most` of the likeliest are told."""

    vector: Vector
    rule: Rule
    most: int


class Gallery:
    """On a migrated database, which it closes; `model` None: persons can be managed, nobody can be
    found. The index is in memory alone: no file holds the face of somebody who is forgotten.

    All methods raise StorageUnavailable.
    """

    def __init__(
        self,
        database: GalleryDatabase,
        model: ModelKey | None,
        vault: PictureVault | None = None,
        *,
        meter: FaceMeter | None = None,
    ) -> None:
        self.model = model
        self.vault = vault or PictureVault(())
        self._meter = meter or FaceMeter()
        self._database = database
        self._upkeep = threading.RLock()
        self._index = FaceIndex(model.numbers if model is not None else 1)
        self._revision = _CHANGING

    def open_index(self) -> None:
        """Builds the index; what a search does otherwise, which would wait for it.

        One that is in use already is brought up to date.
        """
        if self.model is None:
            return
        with storage_errors(), self._upkeep:
            self._bring_up_to_date(self.read)

    def change(self, work: Callable[[Ledger], T]) -> T:
        """What `work` does to the gallery, all of it or nothing; it is found when this returns."""

        def carried_out(writer: Writer) -> tuple[T, Ledger, int]:
            before = vector_rows.revision(writer)
            ledger = Ledger(writer, self.model, self.vault)
            answer = work(ledger)
            writer.change("UPDATE face_gallery SET revision = revision + 1")
            return answer, ledger, before

        with storage_errors(), self._upkeep:
            answer, ledger, before = self._database.change(carried_out)
            was, self._revision = self._revision, _CHANGING
            self._take_out(ledger)
            if was == before:
                self._put_in(ledger)
                self._revision = before + 1
        return answer

    def note(self, work: Callable[[Writer], T]) -> T:
        """What `work` writes of what no index holds, all of it or nothing."""
        return self._database.change(work)

    def read(self, work: Callable[[Reader], T]) -> T:
        """What `work` finds, all of it at one moment."""
        return self._database.read(work)

    def near(self, vectors: Vectors) -> list[tuple[Candidate, ...]]:
        """Of each vector: persons with a vector among the nearest, with all that is held on each of
        them now."""
        most = [MOST_PEOPLE] * len(vectors)
        return self._at_one_moment(vectors, most, lambda _, __, candidates: candidates)

    def who(self, faces: Sequence[Face]) -> list[Told]:
        """Whose faces those are, all of one moment."""
        vectors = np.stack([each.vector for each in faces])
        rules = [each.rule for each in faces]

        def told(reader: Reader, revision: int, found: list[tuple[Candidate, ...]]) -> list[Told]:
            decisions = decide_all(vectors, found, rules)
            likeliest = [
                [score.class_id for score in decision.scores[: face.most]]
                for face, decision in zip(faces, decisions, strict=True)
            ]
            wanted = tuple({class_id for people in likeliest for class_id in people})
            persons = person_rows.those_of(reader, wanted)
            return [
                Told(
                    revision=revision,
                    decision=decision,
                    persons={class_id: persons[class_id] for class_id in people},
                )
                for decision, people in zip(decisions, likeliest, strict=True)
            ]

        return self._at_one_moment(vectors, [people_of(each.most) for each in faces], told)

    def _at_one_moment(
        self,
        vectors: Vectors,
        most: Sequence[int],
        work: Callable[[Reader, int, list[tuple[Candidate, ...]]], T],
    ) -> T:
        """What `work` makes of a revision and, for each vector, of at most so many candidates."""

        def is_of(revision: int) -> bool:
            return self.model is None or self._revision == revision

        def looked(reader: Reader) -> T | None:
            """None: the index is not of that moment."""
            revision = vector_rows.revision(reader)
            candidates = self._candidates(reader, vectors, most) if is_of(revision) else None
            if candidates is None or not is_of(revision):
                return None
            return work(reader, revision, candidates)

        for _ in range(_LOOKS):
            found = self.read(looked)
            if found is not None:
                return found
            with storage_errors(), self._upkeep:
                self._bring_up_to_date(self.read)

        def caught_up(reader: Reader) -> T:
            self._bring_up_to_date(lambda part: part(reader))
            found = looked(reader)
            assert found is not None  # noqa: S101 - nobody else may change the index now
            return found

        with storage_errors(), self._upkeep:  # others change the gallery all the time
            return self.read(caught_up)

    def _candidates(
        self, reader: Reader, vectors: Vectors, most: Sequence[int]
    ) -> list[tuple[Candidate, ...]]:
        model = self.model
        if model is None:
            return [() for _ in vectors]
        with self._meter.searching():
            found = self._index.people(vectors, most)
        negatives = vector_rows.negatives_of(reader, tuple(found.held), model)
        nothing = np.empty((0, model.numbers), np.float32)
        candidates = {
            class_id: Candidate(
                class_id=class_id, vectors=held, negatives=negatives.get(class_id, nothing)
            )
            for class_id, held in found.held.items()
        }
        return [tuple(candidates[class_id] for class_id in people) for people in found.people]

    def indexed(self) -> int:
        """Vectors in the index, once it is up to date."""
        if self.model is None:
            return 0
        with storage_errors(), self._upkeep:
            self._bring_up_to_date(self.read)
            return len(self._index)

    def index_has(self, keys: tuple[int, ...]) -> int:
        """How many of these are still in the index."""
        return int(np.isin(np.asarray(keys, np.uint64), self._index.keys()).sum())

    def rebuild(self) -> None:
        """Makes the index anew from the database. Searches see the old one until it is whole."""
        model = self.model
        if model is None:
            return
        with storage_errors(), self._upkeep:
            fresh = FaceIndex(model.numbers)
            revision = self._fill(fresh, model, self.read)
            self._revision = _CHANGING
            self._index = fresh
            self._revision = revision

    def close(self) -> None:
        """Idempotent."""
        with self._upkeep:
            self._revision = _CHANGING
            self._database.close()

    def _take_out(self, ledger: Ledger) -> None:
        """Comes first, as a key is never given twice, and also where another program changed the
        gallery before: whoever is forgotten is in no index when that is said."""
        if ledger.is_emptied:
            self._index = FaceIndex(self._index.numbers)
        self._index.remove(np.asarray(ledger.removed, np.uint64))

    def _put_in(self, ledger: Ledger) -> None:
        gone = set(ledger.removed)
        added = [each for each in ledger.added if each[0] not in gone]
        if added:
            keys, owners, vectors = zip(*added, strict=True)
            self._index.add(
                np.asarray(keys, np.uint64),
                np.asarray(owners, np.int64),
                np.stack(vectors).astype(np.float32),
            )

    def _bring_up_to_date(self, read: Read) -> None:
        model = self.model
        if model is not None and read(vector_rows.revision) != self._revision:
            self._revision = _CHANGING
            self._revision = self._fill(self._index, model, read)

    def _fill(self, index: FaceIndex, model: ModelKey, read: Read) -> int:
        """Makes the index hold what the database holds; the revision that it then has. Of none it
        is where something went meanwhile: who was merged then is in it under neither number."""
        held = index.keys()
        found = read(lambda reader: difference(reader, held, model))
        index.remove(found.gone)
        added = 0
        # Lowest first: where the database goes away in the midst, what is missing still lies above.
        for start in range(0, len(found.missing), vector_rows.CHUNK):
            part = found.missing[start : start + vector_rows.CHUNK]
            rows = read(partial(vector_rows.those_of, wanted=part, model=model))
            index.add(*rows)
            added += len(rows[0])
        return found.revision if added == len(found.missing) else _CHANGING


def people_of(most: int) -> int:
    """How many are looked at closely where so many are told."""
    return min(MOST_PEOPLE, max(LEAST_PEOPLE, most + MORE_PEOPLE))
