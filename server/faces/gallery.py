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
from typing import Final, TypeVar

import numpy as np

from server.faces import person_rows, vector_rows
from server.faces.database import GalleryDatabase
from server.faces.decision import Candidate, Rule, Vector, Vectors, decide_all
from server.faces.difference import difference
from server.faces.index import FaceIndex, Keys
from server.faces.keeping import ModelKey, Told
from server.faces.ledger import Ledger
from server.faces.meter import FaceMeter
from server.faces.vault import PictureVault
from server.storage.asking import Reader, Writer
from server.storage.connection import storage_errors

T = TypeVar("T")

CANDIDATES: Final = 32
"""Nearest vectors whose persons are looked at closely."""

_LOOKS: Final = 3


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
        self._revision = -1

    def open_index(self) -> None:
        """Builds the index; what a search does otherwise, which would wait for it.

        One that is in use already is brought up to date.
        """
        if self.model is None:
            return
        with storage_errors(), self._upkeep:
            self._bring_up_to_date(self.model)

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
            self._take_out(ledger)
            if self._revision == before:
                self._put_in(ledger)
                self._revision = before + 1
        return answer

    def note(self, work: Callable[[Writer], T]) -> T:
        """What `work` writes of what no index holds, all of it or nothing."""
        with self._upkeep:
            return self._database.change(work)

    def read(self, work: Callable[[Reader], T]) -> T:
        """What `work` finds, all of it at one moment."""
        return self._database.read(work)

    def near(self, vectors: Vectors) -> list[tuple[Candidate, ...]]:
        """Of each vector: persons with a vector among the nearest, with all that is held on each of
        them now."""
        most = [vector_rows.MOST_PEOPLE] * len(vectors)
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

        return self._at_one_moment(vectors, [each.most for each in faces], told)

    def _at_one_moment(
        self,
        vectors: Vectors,
        most: Sequence[int],
        work: Callable[[Reader, int, list[tuple[Candidate, ...]]], T],
    ) -> T:
        """What `work` makes of a revision and the candidates for each vector, of whom `most` are to
        be told."""
        for _ in range(_LOOKS):
            found = self.read(lambda reader: self._looked(reader, vectors, most, work))
            if found is not None:
                return found
            with storage_errors(), self._upkeep:
                if self.model is not None:
                    self._bring_up_to_date(self.model)
        # Whoever changes the gallery all the time: the index may be of a moment ago.
        keys = list(zip(self._search(vectors), most, strict=True))
        return self.read(lambda reader: self._made_of(reader, keys, work))

    def _looked(
        self,
        reader: Reader,
        vectors: Vectors,
        most: Sequence[int],
        work: Callable[[Reader, int, list[tuple[Candidate, ...]]], T],
    ) -> T | None:
        """None: the index is not of that moment."""
        is_there = self.model is None or vector_rows.revision(reader) == self._revision
        if not is_there:
            return None
        return self._made_of(reader, list(zip(self._search(vectors), most, strict=True)), work)

    def _made_of(
        self,
        reader: Reader,
        keys: Sequence[tuple[Keys, int]],
        work: Callable[[Reader, int, list[tuple[Candidate, ...]]], T],
    ) -> T:
        model = self.model
        found: list[tuple[Candidate, ...]] = [() for _ in keys]
        if model is not None:
            found = vector_rows.candidates(reader, keys, model)
        return work(reader, vector_rows.revision(reader), found)

    def _search(self, vectors: Vectors) -> list[Keys]:
        if self.model is None:
            return [np.empty(0, np.uint64) for _ in vectors]
        with self._meter.searching():
            return self._index.search(vectors, CANDIDATES)

    def indexed(self) -> int:
        """Vectors in the index, once it is up to date."""
        model = self.model
        if model is None:
            return 0
        with storage_errors(), self._upkeep:
            self._bring_up_to_date(model)
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
            revision = self._fill(fresh, model)
            self._index, self._revision = fresh, revision

    def close(self) -> None:
        """Idempotent."""
        with self._upkeep:
            self._revision = -1
            self._database.close()

    def _take_out(self, ledger: Ledger) -> None:
        """Comes first, as a key is never given twice, and also where another program changed the
        gallery before: whoever is forgotten is in no index when that is said."""
        if ledger.is_emptied:
            self._index = FaceIndex(self._index.numbers)
        self._index.remove(np.asarray(ledger.removed, np.uint64))

    def _put_in(self, ledger: Ledger) -> None:
        if ledger.added:
            keys = np.asarray([key for key, _ in ledger.added], np.uint64)
            gone = np.isin(keys, np.asarray(ledger.removed, np.uint64))
            vectors = np.stack([vector for _, vector in ledger.added]).astype(np.float32)
            self._index.add(keys[~gone], vectors[~gone])

    def _bring_up_to_date(self, model: ModelKey) -> None:
        if self.read(vector_rows.revision) != self._revision:
            self._revision = self._fill(self._index, model)

    def _fill(self, index: FaceIndex, model: ModelKey) -> int:
        """Makes the index hold what the database holds; the revision that it then has."""
        held = index.keys()
        found = self.read(lambda reader: difference(reader, held, model))
        index.remove(found.gone)
        # What another program takes away meanwhile has a later revision, which is seen. Lowest
        # first: where the database goes away in the midst, what is missing still lies above.
        for start in range(0, len(found.missing), vector_rows.CHUNK):
            part = found.missing[start : start + vector_rows.CHUNK]
            index.add(*self.read(partial(vector_rows.those_of, wanted=part, model=model)))
        return found.revision
