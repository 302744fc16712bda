"""People come, are changed and are told from others: the part of the service that writes."""

from __future__ import annotations

from collections.abc import Sequence

from server.accounts.contract import Action, Caller
from server.errors import NotThere, QuestionInvalid
from server.faces.calibration import calibration_of
from server.faces.choosing import are_one, judged, meant, new_picture, usable
from server.faces.contract import (
    MOST_PICTURES,
    Enrolment,
    Examination,
    Person,
    PersonDetails,
    Refusal,
    Upload,
)
from server.faces.denied_contract import DeniedPage
from server.faces.gate import ENROLMENT, QUERY
from server.faces.keeping import Enrolled, NewPicture
from server.faces.quality_card import card_of
from server.faces.retention import checked
from server.faces.workplace import Workplace
from vision.geometry import Box


class Enrolling:
    """See `contract.Faces`."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    async def examine(self, caller: Caller, picture: Upload) -> Examination:
        self._place.model()
        seen = await self._place.desk.look(picture)
        await self._place.audit(
            caller, Action.PERSON_SEEN, f"picture {seen.sha256[:12]}", "before enrolment"
        )
        reason = None
        try:
            new_picture(seen, picture, "examined")
        except QuestionInvalid as error:
            reason = str(error).removeprefix(f"{picture.name}: ")
        if not seen.faces:
            return Examination(face=None, quality=None, reason=reason)
        face = meant(seen, picture)
        return Examination(
            face=face.cut_out,
            quality=card_of(face.quality, judged(face, ENROLMENT)),
            reason=reason,
            analyses=face.analyses,
        )

    async def enrol(
        self, caller: Caller, details: PersonDetails, pictures: Sequence[Upload], *, source: str
    ) -> Enrolment:
        now = self._place.now()
        details = checked(details, now=now, keep_days=self._place.keep_days)
        good, refused = await self._judged(pictures, source)
        if not good:
            raise QuestionInvalid(
                "nobody was enrolled, no picture is good enough: "
                + "; ".join(f"{each.name}: {each.reason}" for each in refused)
            )
        await self._place.audit(
            caller, Action.PERSON_ENROLLED, "a new person", f"pictures: {len(good)}, {source}"
        )
        self._place.model()
        done = await self._place.store.enrol(details, good, now)
        who = f"person {done.person.class_id}"
        await self._place.audit(caller, Action.PERSON_ENROLLED, who, "the new person's number")
        await self._claim(done.person.class_id)
        return _told(done, refused, pictures)

    async def add_pictures(
        self, caller: Caller, class_id: int, pictures: Sequence[Upload], *, source: str
    ) -> Enrolment:
        await self._place.store.person(class_id)
        good, refused = await self._judged(pictures, source)
        self._place.model()
        await self._place.audit(
            caller, Action.PERSON_CHANGED, f"person {class_id}", f"pictures: {len(good)}, {source}"
        )
        done = await self._place.store.add_pictures(class_id, good, self._place.now())
        await self._claim(class_id)
        return _told(done, refused, pictures)

    async def edit(self, caller: Caller, class_id: int, details: PersonDetails) -> Person:
        now = self._place.now()
        details = checked(details, now=now, keep_days=self._place.keep_days)
        await self._place.store.person(class_id)
        await self._place.audit(caller, Action.PERSON_CHANGED, f"person {class_id}")
        return await self._place.store.edit(class_id, details, now)

    async def merge(self, caller: Caller, kept_id: int, gone_id: int) -> Person:
        if kept_id == gone_id:
            raise QuestionInvalid(f"{kept_id} and {gone_id}: expected two numbers of one person")
        now = self._place.now()
        for class_id in (kept_id, gone_id):
            await self._place.store.person(class_id)
        await self._place.audit(
            caller, Action.PERSON_CHANGED, f"person {kept_id}", f"takes over person {gone_id}"
        )
        person = await self._place.store.merge(kept_id, gone_id, now)
        await self._claim(kept_id)
        return person

    async def deny(self, caller: Caller, class_id: int, picture: Upload) -> None:
        await self._place.store.person(class_id)
        face = usable(await self._place.desk.look(picture), picture, QUERY)
        vector, now = face.vector, self._place.now()
        if vector is None:
            raise QuestionInvalid(f"{picture.name}: the face cannot be compared with anybody")
        await self._place.audit(
            caller, Action.PERSON_CHANGED, f"person {class_id}", "a face that is not theirs"
        )
        sighting_id = await self._seen_by_camera(picture)
        await self._place.store.deny(class_id, vector, caller.name, now, sighting_id=sighting_id)

    async def _seen_by_camera(self, picture: Upload) -> int | None:
        """The sighting, where the face that is meant is the one that the camera saw: others may be
        in its picture."""
        if picture.sighting_id is None:
            return None
        try:
            box = (await self._place.sightings.one(picture.sighting_id)).box
        except NotThere:  # given up meanwhile
            return None
        is_it = box is None or picture.at is None or are_one(picture.at, Box.from_xywh(*box))
        return picture.sighting_id if is_it else None

    async def denied(
        self, caller: Caller, class_id: int, *, before: int | None = None, limit: int = 48
    ) -> DeniedPage:
        found = await self._place.store.denied(class_id, before=before, limit=limit)
        await self._place.audit(
            caller, Action.PERSON_SEEN, f"person {class_id}", "faces that are not theirs"
        )
        return found

    async def take_back(self, caller: Caller, class_id: int, denied_id: int) -> None:
        now = self._place.now()
        await self._place.store.denied_face(class_id, denied_id)
        await self._place.audit(
            caller,
            Action.PERSON_CHANGED,
            f"person {class_id}",
            f"denied face {denied_id} may be theirs again",
        )
        await self._place.store.take_back(class_id, denied_id, now)
        await self._claim(class_id)

    async def delete_picture(self, caller: Caller, image_id: int) -> None:
        now = self._place.now()
        class_id = await self._place.store.owner_of(image_id)
        await self._place.audit(
            caller,
            Action.PERSON_CHANGED,
            f"enrolment picture {image_id}",
            f"of person {class_id}, deleted",
        )
        await self._place.store.delete_picture(image_id, now)
        self._place.desk.forget()

    async def _claim(self, class_id: int) -> None:
        """Who is known now is no unknown visitor any more: their earlier visits become theirs."""
        model = self._place.models.key
        if model is not None:
            await self._place.store.claim(class_id, calibration_of(model.version))

    async def _judged(
        self, pictures: Sequence[Upload], source: str
    ) -> tuple[list[NewPicture], list[Refusal]]:
        """Those that may be enrolled, and why the others may not."""
        if not 1 <= len(pictures) <= MOST_PICTURES:
            raise QuestionInvalid(f"{len(pictures)} pictures: expected 1 to {MOST_PICTURES}")
        self._place.model()
        good: list[NewPicture] = []
        refused: list[Refusal] = []
        for each in pictures:
            try:
                seen = await self._place.desk.look(each)
                good.append(new_picture(seen, each, source))
            except QuestionInvalid as error:
                reason = str(error).removeprefix(f"{each.name}: ")
                refused.append(Refusal(name=each.name, reason=reason))
        return good, refused


def _told(done: Enrolled, refused: Sequence[Refusal], pictures: Sequence[Upload]) -> Enrolment:
    names = {each.sha256: each.name for each in pictures} if done.known else {}
    twice = [Refusal(name=names[each], reason="the person has it already") for each in done.known]
    return Enrolment(person=done.person, pictures=done.added, refused=(*refused, *twice))
