"""The face gallery as pages, REST and the command line use it: implements `contract.Faces`.

Joins what looks into pictures, what holds the gallery and what decides; audits before it acts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

import apsw

from server.accounts.contract import Action, Auditor, Caller, CallerKind
from server.accounts.permissions import Permission
from server.errors import FacesUnavailable, QuestionInvalid, QueueFull
from server.faces import holdings, person_rows, picture_rows
from server.faces.calibration import Calibration, calibration_of
from server.faces.choosing import new_picture, usable
from server.faces.contract import (
    MOST_PICTURES,
    Enrolment,
    ForgetReport,
    FoundFace,
    GalleryStatus,
    Identification,
    Likeness,
    Outcome,
    Person,
    PersonDetails,
    PersonFilter,
    PersonPage,
    PictureCard,
    Refusal,
    ResetKind,
    Upload,
    Verification,
)
from server.faces.decision import Decision, decide
from server.faces.desk import LookingDesk
from server.faces.gallery import Gallery
from server.faces.gate import QUERY, judge
from server.faces.ledger import Ledger, NewPicture
from server.faces.looking import Models, SeenFace
from server.faces.quality_card import card_of
from server.faces.retention import checked
from server.faces.vector_rows import ModelKey

T = TypeVar("T")

MAKING_READY: Final = "the face index is being made ready after the start: ask again in a moment"
PREPARING_S: Final = 5.0
"""After which to ask again while the index is made ready."""

RETENTION: Final = Caller(
    kind=CallerKind.MACHINE,
    name="retention",
    address="this machine",
    permissions=frozenset({Permission.FORGET_PEOPLE}),
)
"""Who forgets those whose time is over, for the audit log."""


class SightingPictures(Protocol):
    """Where the pictures of sightings are."""

    async def content(self, sighting_id: int) -> bytes:
        """Raises NotThere."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the service is made of. `keep_days` of a purpose, by its name in lower case."""

    gallery: Gallery
    desk: LookingDesk
    models: Models
    auditor: Auditor
    sightings: SightingPictures
    keep_days: dict[str, int]
    now: Callable[[], datetime]


class FaceService:
    """See `contract.Faces`. `close` saves the index."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._gallery = parts.gallery
        self._now = parts.now
        self._is_preparing = False
        self._reading = ThreadPoolExecutor(2, thread_name_prefix="sightpost-gallery")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="sightpost-enrol")

    async def prepare(self) -> None:
        """Makes the index ready; who asks meanwhile is told to come again."""
        self._is_preparing = True
        try:
            await self._on(self._writing, self._gallery.open_index)
        finally:
            self._is_preparing = False

    async def save(self) -> None:
        """Writes the index where it changed, so that the next start loads it."""
        await self._on(self._writing, self._gallery.save)

    async def forget_overdue(self) -> tuple[int, ...]:
        """Forgets those whose time is over; who they were."""
        now = self._now()
        due = await self._read_rows(lambda rows: person_rows.overdue(rows, now))
        for class_id in due:
            await self.forget(RETENTION, class_id)
        return due

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._parts.desk.close()
        self._reading.shutdown()
        self._writing.shutdown()
        self._gallery.close()

    async def identify(self, caller: Caller, picture: Upload, *, most: int = 5) -> Identification:
        model = self._model()
        if self._is_preparing:
            raise QueueFull(MAKING_READY, retry_after_s=PREPARING_S)
        seen = await self._parts.desk.look(picture)
        found = await self._read(lambda: [self._found(face, most, model) for face in seen.faces])
        await self._parts.auditor.audit(
            caller, Action.PERSON_SEEN, f"picture {seen.sha256[:12]}", _summary(found)
        )
        return Identification(
            width=seen.width, height=seen.height, faces=tuple(found), model=model.name
        )

    async def identify_sighting(
        self, caller: Caller, sighting_id: int, *, most: int = 5
    ) -> Identification:
        content = await self._parts.sightings.content(sighting_id)
        upload = Upload(name=f"sighting {sighting_id}", content=content)
        return await self.identify(caller, upload, most=most)

    async def verify(self, caller: Caller, one: Upload, other: Upload) -> Verification:
        calibration = calibration_of(self._model().version)
        faces = [usable(await self._parts.desk.look(each), each, QUERY) for each in (one, other)]
        vectors = [face.vector for face in faces if face.vector is not None]
        score = float(vectors[0] @ vectors[1])
        await self._parts.auditor.audit(
            caller, Action.PERSON_SEEN, "two pictures compared", f"score {score:.3f}"
        )
        return Verification(
            is_same=score >= calibration.rule.threshold,
            score=score,
            probability=calibration.probability(score),
            threshold=calibration.rule.threshold,
            boxes=(faces[0].box, faces[1].box),
        )

    async def enrol(
        self, caller: Caller, details: PersonDetails, pictures: Sequence[Upload], *, source: str
    ) -> Enrolment:
        details = checked(details, now=self._now(), keep_days=self._parts.keep_days)
        good, refused = await self._judged(pictures, source)
        if not good:
            raise QuestionInvalid(
                "nobody was enrolled, no picture is good enough: "
                + "; ".join(f"{each.name}: {each.reason}" for each in refused)
            )
        await self._parts.auditor.audit(
            caller, Action.PERSON_ENROLLED, "a new person", f"{len(good)} pictures, {source}"
        )
        now, model = self._now(), self._model()

        def work(book: Ledger) -> Enrolment:
            class_id = book.add_person(details, now)
            return _enrolled(book, class_id, good, refused, model, now)

        return await self._change(work)

    async def add_pictures(
        self, caller: Caller, class_id: int, pictures: Sequence[Upload], *, source: str
    ) -> Enrolment:
        await self._read_rows(lambda rows: person_rows.find(rows, class_id))
        good, refused = await self._judged(pictures, source)
        now, model = self._now(), self._model()
        await self._parts.auditor.audit(
            caller, Action.PERSON_CHANGED, f"person {class_id}", f"{len(good)} pictures, {source}"
        )
        return await self._change(lambda book: _enrolled(book, class_id, good, refused, model, now))

    async def edit(self, caller: Caller, class_id: int, details: PersonDetails) -> Person:
        now = self._now()
        details = checked(details, now=now, keep_days=self._parts.keep_days)
        await self._parts.auditor.audit(caller, Action.PERSON_CHANGED, f"person {class_id}")

        def work(book: Ledger) -> Person:
            book.edit_person(class_id, details, now)
            return person_rows.find(book.connection, class_id)

        return await self._change(work)

    async def deny(self, caller: Caller, class_id: int, picture: Upload) -> None:
        face = usable(await self._parts.desk.look(picture), picture, QUERY)
        vector, model, now = face.vector, self._model(), self._now()
        if vector is None:
            raise QuestionInvalid(f"{picture.name}: the face cannot be compared with anybody")
        await self._parts.auditor.audit(
            caller, Action.PERSON_CHANGED, f"person {class_id}", "a face that is not theirs"
        )
        await self._change(lambda book: book.deny(class_id, model, vector, caller.name, now))

    async def delete_picture(self, caller: Caller, image_id: int) -> None:
        now = self._now()
        await self._parts.auditor.audit(
            caller, Action.PERSON_CHANGED, f"enrolment picture {image_id}"
        )
        await self._change(lambda book: book.delete_picture(image_id, now))
        self._parts.desk.forget()
        await self._on(self._writing, self._gallery.forget_index_file)

    async def forget(self, caller: Caller, class_id: int) -> ForgetReport:
        await self._read_rows(lambda rows: person_rows.find(rows, class_id))
        await self._parts.auditor.audit(
            caller, Action.PERSON_FORGOTTEN, f"person {class_id}", "forgotten"
        )
        self._parts.desk.forget()
        report = await self._on(
            self._writing, lambda: holdings.forget(self._gallery, class_id, self._now())
        )
        detail = f"{report.pictures} pictures; nothing is left: {report.is_gone}"
        await self._parts.auditor.audit(
            caller, Action.PERSON_FORGOTTEN, f"person {class_id}", detail
        )
        return report

    async def persons(
        self, caller: Caller, wanted: PersonFilter, *, offset: int = 0, limit: int = 50
    ) -> PersonPage:
        await self._parts.auditor.audit(
            caller, Action.PERSON_SEEN, "list of persons", f"from {offset}{_asked_by(wanted)}"
        )
        return await self._read_rows(
            lambda rows: person_rows.page(rows, wanted, offset=offset, limit=limit)
        )

    async def person(self, caller: Caller, class_id: int) -> Person:
        found = await self._read_rows(lambda rows: person_rows.find(rows, class_id))
        await self._parts.auditor.audit(caller, Action.PERSON_SEEN, f"person {class_id}")
        return found

    async def pictures_of(self, caller: Caller, class_id: int) -> tuple[PictureCard, ...]:
        found = await self._read_rows(lambda rows: picture_rows.those_of(rows, class_id))
        await self._parts.auditor.audit(caller, Action.PERSON_SEEN, f"person {class_id}")
        return found

    async def picture(self, caller: Caller, image_id: int) -> bytes:
        content = await self._read_rows(lambda rows: picture_rows.content(rows, image_id))
        await self._parts.auditor.audit(caller, Action.PERSON_SEEN, f"enrolment picture {image_id}")
        return content

    async def export(self, caller: Caller, class_id: int) -> bytes:
        content = await self._read_rows(
            lambda rows: holdings.archive_of(rows, class_id, self._now())
        )
        await self._parts.auditor.audit(caller, Action.PERSON_EXPORTED, f"person {class_id}")
        return content

    async def status(self) -> GalleryStatus:
        models, gallery = self._parts.models, self._gallery
        counted = await self._read_rows(lambda rows: picture_rows.counted(rows, models.key))
        return GalleryStatus(
            model=None if models.key is None else models.key.name,
            model_version=None if models.key is None else models.key.version,
            detector=models.detector,
            numbers=None if models.key is None else models.key.numbers,
            persons=counted.persons,
            pictures=counted.pictures,
            indexed=0 if self._is_preparing else await self._read(gallery.indexed),
            waiting=counted.waiting,
            revision=counted.revision,
            problem=MAKING_READY if self._is_preparing else models.problem,
        )

    async def reset(self, caller: Caller, kind: ResetKind) -> GalleryStatus:
        await self._parts.auditor.audit(caller, Action.PERSON_FORGOTTEN, "face index", kind.value)
        if kind is ResetKind.EVERYBODY:
            self._parts.desk.forget()
            await self._change(lambda book: book.forget_everybody())
        await self._on(self._writing, self._gallery.rebuild)
        return await self.status()

    def _model(self) -> ModelKey:
        models = self._parts.models
        if models.key is None:
            raise FacesUnavailable(models.problem or "there is no embedding model")
        return models.key

    def _found(self, face: SeenFace, most: int, model: ModelKey) -> FoundFace:
        """Blocking."""
        verdict = judge(
            face.quality,
            width_px=face.box.width,
            has_landmarks=face.has_landmarks,
            demands=QUERY,
        )
        decision: Decision | None = None
        likenesses: tuple[Likeness, ...] = ()
        reason = "; ".join(verdict.reasons) or "the face cannot be compared"
        if verdict.is_good and face.vector is not None:
            calibration = calibration_of(model.version)
            decision = decide(face.vector, self._gallery.near(face.vector), calibration.rule)
            likenesses = self._likenesses(decision, most, calibration)
            reason = decision.reason
        outcome = None if decision is None else decision.outcome
        if outcome is Outcome.KNOWN and not likenesses:
            outcome, reason = Outcome.UNKNOWN, "who it was has been forgotten this moment"
        return FoundFace(
            box=face.box,
            confidence=face.confidence,
            quality=card_of(face.quality, verdict),
            outcome=outcome,
            reason=reason,
            likenesses=likenesses,
        )

    def _likenesses(
        self, decision: Decision, most: int, calibration: Calibration
    ) -> tuple[Likeness, ...]:
        """Blocking. The best first; who was forgotten meanwhile is left out."""
        scores = decision.scores[:most]
        people = self._gallery.read(
            lambda rows: person_rows.those_of(rows, tuple(each.class_id for each in scores))
        )
        if decision.class_id is not None and decision.class_id not in people:
            return ()
        return tuple(
            Likeness(
                person=people[each.class_id],
                score=each.score,
                probability=calibration.probability(each.score),
                is_denied=each.is_denied,
            )
            for each in scores
            if each.class_id in people
        )

    async def _judged(
        self, pictures: Sequence[Upload], source: str
    ) -> tuple[list[NewPicture], list[Refusal]]:
        """Those that may be enrolled, and why the others may not."""
        if not 1 <= len(pictures) <= MOST_PICTURES:
            raise QuestionInvalid(f"{len(pictures)} pictures: expected 1 to {MOST_PICTURES}")
        self._model()
        good: list[NewPicture] = []
        refused: list[Refusal] = []
        for each in pictures:
            try:
                seen = await self._parts.desk.look(each)
                good.append(new_picture(seen, each, source))
            except QuestionInvalid as error:
                reason = str(error).removeprefix(f"{each.name}: ")
                refused.append(Refusal(name=each.name, reason=reason))
        return good, refused

    async def _read(self, work: Callable[[], T]) -> T:
        return await self._on(self._reading, work)

    async def _read_rows(self, work: Callable[[apsw.Connection], T]) -> T:
        return await self._on(self._reading, lambda: self._gallery.read(work))

    async def _change(self, work: Callable[[Ledger], T]) -> T:
        return await self._on(self._writing, lambda: self._gallery.change(work))

    async def _on(self, executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, work)


def _enrolled(
    book: Ledger,
    class_id: int,
    good: Sequence[NewPicture],
    refused: Sequence[Refusal],
    model: ModelKey,
    now: datetime,
) -> Enrolment:
    told = list(refused)
    added = []
    for picture in good:
        image_id = book.add_picture(class_id, picture, model, now)
        if image_id is None:
            told.append(
                Refusal(name=picture.source_sha256[:12], reason="the person has it already")
            )
        else:
            added.append(image_id)
    cards = picture_rows.those_of(book.connection, class_id)
    return Enrolment(
        person=person_rows.find(book.connection, class_id),
        pictures=tuple(card for card in cards if card.image_id in added),
        refused=tuple(told),
    )


def _asked_by(wanted: PersonFilter) -> str:
    """What was asked for, without the words: the audit log outlives whom they name."""
    asked = {"name": wanted.name, "place": wanted.place}
    return "".join(f", by {field}" for field, value in asked.items() if value.strip())


def _summary(found: Sequence[FoundFace]) -> str:
    """For the audit log: whose faces were told."""
    people = [each.match.person.class_id for each in found if each.match is not None]
    shown = sorted({one.person.class_id for each in found for one in each.likenesses})
    return f"{len(found)} faces, known {people}, shown {shown}"
