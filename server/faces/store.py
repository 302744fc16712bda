"""The gallery in a database: two threads that read it, one that changes it. Implements
`keeping.FaceStore`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, tzinfo
from functools import partial
from typing import Final, TypeVar

import numpy as np

from server.errors import NotThere, PictureLocked
from server.faces import (
    claiming,
    denials,
    history_rows,
    holdings,
    person_rows,
    picture_rows,
    vector_rows,
)
from server.faces.calibration import Calibration
from server.faces.contract import (
    ForgetReport,
    Person,
    PersonDetails,
    PersonFilter,
    PersonPage,
    PictureCard,
)
from server.faces.decision import Rule, Vector
from server.faces.denied_contract import DeniedFace, DeniedPage
from server.faces.gallery import Face, Gallery
from server.faces.history_contract import (
    DayCount,
    Match,
    MatchFilter,
    MatchPage,
    PersonRecord,
    Visitor,
)
from server.faces.keeping import Alike, Compared, Counted, Enrolled, NewPicture, Told
from server.faces.ledger import Ledger, owner_of
from server.gathering import Gathering, on_thread
from server.storage.asking import Reader, Writer

T = TypeVar("T")

READING_THREADS: Final = 2
MOST_TOGETHER: Final = 32
"""Vectors of one search: more would make the first wait for the last."""


class StoredFaces:
    """On a gallery, which it closes."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._reading = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="sightpost-gallery")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="sightpost-enrol")
        self._searches: Gathering[Face, Told] = Gathering(
            on_thread(gallery.who, self._reading), most=MOST_TOGETHER, at_once=READING_THREADS
        )

    async def page(self, wanted: PersonFilter, *, offset: int, limit: int) -> PersonPage:
        return await self._read(
            lambda rows: person_rows.page(rows, wanted, offset=offset, limit=limit)
        )

    async def person(self, class_id: int) -> Person:
        return await self._read(lambda rows: person_rows.find(rows, class_id))

    async def record(self, class_id: int, *, most: int, denied_before: int | None) -> PersonRecord:
        def work(rows: Reader) -> PersonRecord:
            wanted = MatchFilter(class_id=class_id)
            return PersonRecord(
                person=person_rows.find(rows, class_id),
                pictures=picture_rows.those_of(rows, class_id),
                denied=denials.page(rows, class_id, before=denied_before, limit=most),
                matches=history_rows.matches(rows, wanted, before=None, limit=most),
            )

        return await self._read(work)

    async def edit(self, class_id: int, details: PersonDetails, now: datetime) -> Person:
        def work(book: Ledger) -> Person:
            book.edit_person(class_id, details, now)
            return person_rows.find(book.writer, class_id)

        return await self._change(work)

    async def merge(self, kept_id: int, gone_id: int, now: datetime) -> Person:
        def work(book: Ledger) -> Person:
            book.merge(kept_id, gone_id, now)
            return person_rows.find(book.writer, kept_id)

        return await self._change(work)

    async def overdue(self, now: datetime) -> tuple[int, ...]:
        return await self._read(lambda rows: person_rows.overdue(rows, now))

    async def archive(self, class_id: int, now: datetime) -> bytes:
        vault = self._gallery.vault
        return await self._read(lambda rows: holdings.archive_of(rows, class_id, vault, now))

    async def forget(self, class_id: int, now: datetime) -> ForgetReport:
        return await self._upkeep(lambda: holdings.forget(self._gallery, class_id, now))

    async def forget_everybody(self) -> None:
        await self._change(lambda book: book.forget_everybody())

    async def pictures_of(self, class_id: int) -> tuple[PictureCard, ...]:
        return await self._read(lambda rows: picture_rows.those_of(rows, class_id))

    async def picture(self, image_id: int) -> bytes:
        vault = self._gallery.vault
        return await self._read(lambda rows: picture_rows.content(rows, image_id, vault))

    async def first_pictures(self, class_ids: Sequence[int]) -> Mapping[int, bytes]:
        vault = self._gallery.vault

        def work(rows: Reader) -> dict[int, bytes]:
            found = {}
            for class_id, image_id in picture_rows.first_of(rows, class_ids).items():
                with contextlib.suppress(PictureLocked, NotThere):  # told where it is asked for
                    found[class_id] = picture_rows.content(rows, image_id, vault)
            return found

        return await self._read(work)

    async def owner_of(self, image_id: int) -> int:
        return await self._read(lambda rows: owner_of(rows, image_id))

    async def delete_picture(self, image_id: int, now: datetime) -> None:
        await self._change(lambda book: book.delete_picture(image_id, now))

    async def counted(self) -> Counted:
        return await self._read(lambda rows: picture_rows.counted(rows, self._gallery.model))

    async def enrol(
        self, details: PersonDetails, pictures: Sequence[NewPicture], now: datetime
    ) -> Enrolled:
        return await self._change(
            lambda book: book.enrol(book.add_person(details, now), pictures, now)
        )

    async def add_pictures(
        self, class_id: int, pictures: Sequence[NewPicture], now: datetime
    ) -> Enrolled:
        return await self._change(lambda book: book.enrol(class_id, pictures, now))

    async def deny(
        self,
        class_id: int,
        vector: Vector,
        by: str,
        now: datetime,
        *,
        sighting_id: int | None = None,
    ) -> None:
        await self._change(
            lambda book: book.deny(class_id, vector, by, now, sighting_id=sighting_id)
        )

    async def denied(self, class_id: int, *, before: int | None, limit: int) -> DeniedPage:
        return await self._read(
            lambda rows: denials.page(rows, class_id, before=before, limit=limit)
        )

    async def denied_face(self, class_id: int, denied_id: int) -> DeniedFace:
        return await self._read(lambda rows: denials.one(rows, class_id, denied_id))

    async def take_back(self, class_id: int, denied_id: int, now: datetime) -> None:
        await self._upkeep(lambda: self._taken_back(class_id, denied_id, now))

    def _taken_back(self, class_id: int, denied_id: int, now: datetime) -> None:
        gallery, model, vector = self._gallery, self._gallery.model, None
        if model is not None:
            vector = gallery.read(lambda rows: denials.vector_of(rows, class_id, denied_id, model))
        near = () if vector is None else gallery.near(vector[np.newaxis])[0]
        others = [each for each in near if each.class_id != class_id]
        gallery.change(lambda book: book.take_back(class_id, denied_id, now, others=others))

    async def who(self, vector: Vector, rule: Rule, *, most: int) -> Told:
        return await self._searches.ask(Face(vector=vector, rule=rule, most=most))

    async def indexed(self) -> int:
        return await self._on(self._reading, self._gallery.indexed)

    async def position(self) -> int:
        return await self._read(history_rows.position)

    async def note(self, compared: Compared) -> bool:
        return await self._note(partial(self._noted, compared))

    def _noted(self, compared: Compared, rows: Writer) -> bool:
        if compared.sighting_id <= history_rows.position(rows):
            return True  # by another process
        model, look = self._gallery.model, compared.look
        if look is not None and model is not None:
            if vector_rows.revision(rows) != compared.revision:
                return False
            history_rows.add(rows, compared, look, model)
        history_rows.move_on(rows, compared.sighting_id)
        return True

    async def claim(self, class_id: int, calibration: Calibration) -> int:
        model = self._gallery.model
        if model is None:
            return 0
        return await self._upkeep(
            lambda: claiming.claim(self._gallery, class_id, model, calibration)
        )

    async def alike(self, vector: Vector, least: float) -> tuple[list[Alike], int]:
        model = self._gallery.model
        if model is None:
            return [], 0
        return await self._read(lambda rows: history_rows.alike(rows, vector, model, least))

    async def drop_old(self, now: datetime) -> int:
        return await self._note(lambda rows: history_rows.drop_old(rows, now))

    async def matches(self, wanted: MatchFilter, *, before: int | None, limit: int) -> MatchPage:
        return await self._read(
            lambda rows: history_rows.matches(rows, wanted, before=before, limit=limit)
        )

    async def match_days(self, wanted: MatchFilter, zone: tzinfo) -> tuple[DayCount, ...]:
        return await self._read(lambda rows: history_rows.match_days(rows, wanted, zone))

    async def match(self, match_id: int) -> Match:
        return await self._read(lambda rows: history_rows.match(rows, match_id))

    async def visitors(
        self, *, before: int | None, limit: int
    ) -> tuple[tuple[Visitor, ...], int | None]:
        return await self._read(
            lambda rows: history_rows.visitors(rows, before=before, limit=limit)
        )

    async def open(self) -> None:
        await self._upkeep(self._gallery.open_index)

    async def rebuild(self) -> None:
        await self._upkeep(self._gallery.rebuild)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reading.shutdown()
        self._writing.shutdown()
        self._gallery.close()

    async def _read(self, work: Callable[[Reader], T]) -> T:
        return await self._on(self._reading, lambda: self._gallery.read(work))

    async def _change(self, work: Callable[[Ledger], T]) -> T:
        return await self._upkeep(lambda: self._gallery.change(work))

    async def _note(self, work: Callable[[Writer], T]) -> T:
        return await self._upkeep(lambda: self._gallery.note(work))

    async def _upkeep(self, work: Callable[[], T]) -> T:
        return await self._on(self._writing, work)

    async def _on(self, executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, work)
