"""Routes of persons and faces: enrol, find, verify, change, export, forget."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Form, Query, Response, UploadFile
from pydantic import BaseModel, Field

from server.accounts.contract import Caller
from server.accounts.permissions import Permission
from server.errors import QuestionInvalid
from server.faces.contract import (
    MOST_PERSONS,
    MOST_PICTURES,
    FaceQualityCard,
    Faces,
    ForgetReport,
    GalleryStatus,
    PersonDetails,
    PersonFilter,
    PictureCard,
    ResetKind,
    Upload,
)
from server.faces.denied_contract import DeniedPage
from server.web.api.face_answers import (
    EnrolmentAnswer,
    IdentificationAnswer,
    PersonAnswer,
    PersonsAnswer,
    SearchAnswer,
    VerificationAnswer,
    box_answer,
    enrolment_answer,
    identification_answer,
    likeness_answer,
    person_answer,
)
from server.web.api.face_history import Before, Limit
from server.web.api.section import Section
from server.web.api.uploads import Picture, TwoPictures, upload_of, uploads_of
from server.web.api.wanted import Wanted
from server.web.security.demands import CurrentCaller, requires

_SEES: Final = [requires(Permission.SEE_PEOPLE)]
_ENROLS: Final = [requires(Permission.ENROL_PEOPLE)]
_FORGETS: Final = [requires(Permission.FORGET_PEOPLE)]
UPLOAD: Final = "upload"
CAMERA: Final = "camera"

Likenesses = Annotated[int, Query(ge=1, le=32, description="Likenesses of each face.")]


class PersonWanted(Wanted):
    """What is written down of a person. `keep_until`: they are forgotten after it."""

    name: str = Field(examples=["Nguyễn Thị Lan"])
    age: int | None = None
    gender: str = ""
    place: str = ""
    consent: str = Field(default="", examples=["signed on 2026-03-01"])
    purpose: str = Field(default="", examples=["staff"])
    keep_until: datetime | None = None

    def details(self) -> PersonDetails:
        names = PersonWanted.model_fields
        return PersonDetails(**{name: getattr(self, name) for name in names})


class PicturesWanted(Wanted):
    """`sighting`: numbers of faces that cameras saw, instead of files."""

    file: list[UploadFile] | None = None
    sighting: list[int] | None = None


class NewPerson(PersonWanted, PicturesWanted):
    """Both, in one form."""


class MergeWanted(Wanted):
    """`other` is the number of the same person that goes."""

    other: int


class SearchWanted(Wanted):
    """`model` is `NAME@VERSION`, as `GET /api/v1/faces/status` has both."""

    vector: list[float] = Field(min_length=1, max_length=4096)
    model: str = Field(examples=["sface-2021dec@0ba9fbfa01b5"])
    most: int = Field(default=5, ge=1, le=32)


class ExaminationAnswer(BaseModel):
    """`reason` says in words why the picture would be refused."""

    is_good: bool
    reason: str | None
    quality: FaceQualityCard | None


class ResetWanted(Wanted):
    """`rebuild` builds the index anew; `forget-everybody` first takes away everybody."""

    confirm: ResetKind


class ForgetAnswer(BaseModel):
    """What was held and is gone; `left` counts what was still found afterwards, by place."""

    is_gone: bool
    report: ForgetReport


def persons_router(faces: Faces) -> Section:
    """Everything below /api/v1/persons."""
    router = Section(prefix="/api/v1/persons", tags=["persons"])
    _add_persons(router, faces)
    _add_person(router, faces)
    _add_denied(router, faces)
    _add_pictures(router, faces)
    return router


def faces_router(faces: Faces) -> Section:
    """Everything below /api/v1/faces."""
    router = Section(prefix="/api/v1/faces", tags=["faces"])

    @router.post("/identify", dependencies=_SEES)
    async def identify(
        caller: CurrentCaller, wanted: Picture, most: Likenesses = 5
    ) -> IdentificationAnswer:
        """Who is in the picture: every face, with the likeliest persons. Audited."""
        found = await faces.identify(caller, await upload_of(wanted.file), most=most)
        return identification_answer(found)

    @router.post("/search", dependencies=_SEES)
    async def search(caller: CurrentCaller, wanted: SearchWanted) -> SearchAnswer:
        """Whose face has that vector, for programs that embed faces themselves. Audited."""
        found = await faces.search(caller, wanted.vector, wanted.model, most=wanted.most)
        return SearchAnswer(
            outcome=found.outcome.value,
            reason=found.reason,
            likenesses=tuple(likeness_answer(each) for each in found.likenesses),
        )

    @router.post("/examine", dependencies=_ENROLS)
    async def examine(caller: CurrentCaller, wanted: Picture) -> ExaminationAnswer:
        """Whether the picture could be enrolled, and why not. Audited."""
        found = await faces.examine(caller, await upload_of(wanted.file))
        return ExaminationAnswer(
            is_good=found.reason is None, reason=found.reason, quality=found.quality
        )

    @router.post("/verify", dependencies=_SEES)
    async def verify(caller: CurrentCaller, wanted: TwoPictures) -> VerificationAnswer:
        """Whether the largest faces of two pictures are one person's. Audited."""
        told = await faces.verify(
            caller, await upload_of(wanted.file), await upload_of(wanted.other)
        )
        return VerificationAnswer(
            is_same=told.is_same,
            score=told.score,
            probability=told.probability,
            threshold=told.threshold,
            boxes=(box_answer(told.boxes[0]), box_answer(told.boxes[1])),
        )

    @router.get("/status", dependencies=_SEES)
    async def status() -> GalleryStatus:
        """How many are enrolled, with which models; `problem` says what is missing."""
        return await faces.status()

    @router.post("/reset", dependencies=_FORGETS)
    async def reset(caller: CurrentCaller, wanted: ResetWanted) -> GalleryStatus:
        """Builds the index anew; searches see the old or the new one. Audited."""
        return await faces.reset(caller, wanted.confirm)

    return router


def _add_persons(router: Section, faces: Faces) -> None:
    @router.get("", dependencies=_SEES)
    async def persons(
        caller: CurrentCaller,
        name: str = "",
        place: str = "",
        least_age: int | None = None,
        most_age: int | None = None,
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_PERSONS)] = 50,
    ) -> PersonsAnswer:
        """Who is enrolled, by parts of name and place, and by age. Audited."""
        wanted = PersonFilter(name=name, place=place, least_age=least_age, most_age=most_age)
        found = await faces.persons(caller, wanted, offset=offset, limit=limit)
        told = tuple(person_answer(each) for each in found.persons)
        return PersonsAnswer(persons=told, total=found.total)

    @router.post("", dependencies=_ENROLS, status_code=HTTPStatus.CREATED)
    async def enrol(
        caller: CurrentCaller,
        wanted: Annotated[NewPerson, Form(media_type="multipart/form-data")],
    ) -> EnrolmentAnswer:
        """A new person, by one or more pictures of one face each, or by faces that cameras saw.
        Audited."""
        pictures, source = await _pictures(faces, caller, wanted)
        done = await faces.enrol(caller, wanted.details(), pictures, source=source)
        return enrolment_answer(done)


def _add_person(router: Section, faces: Faces) -> None:
    @router.get("/{class_id}", dependencies=_SEES)
    async def person(caller: CurrentCaller, class_id: int) -> PersonAnswer:
        """One person. Audited."""
        return person_answer(await faces.person(caller, class_id))

    @router.put("/{class_id}", dependencies=_ENROLS)
    async def edit(caller: CurrentCaller, class_id: int, wanted: PersonWanted) -> PersonAnswer:
        """Changes what is written down of a person. Audited."""
        return person_answer(await faces.edit(caller, class_id, wanted.details()))

    @router.post("/{class_id}/merge", dependencies=_ENROLS)
    async def merge(caller: CurrentCaller, class_id: int, wanted: MergeWanted) -> PersonAnswer:
        """Takes over all that is held on another number of the same person, which is gone then.
        Audited."""
        return person_answer(await faces.merge(caller, class_id, wanted.other))

    @router.delete("/{class_id}", dependencies=_FORGETS)
    async def forget(caller: CurrentCaller, class_id: int) -> ForgetAnswer:
        """Takes away everything that is held on a person, and proves it. Audited."""
        report = await faces.forget(caller, class_id)
        return ForgetAnswer(is_gone=report.is_gone, report=report)

    @router.get("/{class_id}/export", dependencies=_FORGETS, response_class=Response)
    async def export(caller: CurrentCaller, class_id: int) -> Response:
        """A ZIP of all that is held on a person. Audited."""
        content = await faces.export(caller, class_id)
        headers = {
            "Content-Disposition": f'attachment; filename="person-{class_id}.zip"',
            "Cache-Control": "no-store",
        }
        return Response(content, media_type="application/zip", headers=headers)


def _add_denied(router: Section, faces: Faces) -> None:
    @router.post("/{class_id}/denied", dependencies=_ENROLS, status_code=HTTPStatus.NO_CONTENT)
    async def deny(caller: CurrentCaller, class_id: int, wanted: Picture) -> None:
        """The largest face of the picture is not this person's. Audited."""
        await faces.deny(caller, class_id, await upload_of(wanted.file))

    @router.get("/{class_id}/denied", dependencies=_SEES)
    async def denied(
        caller: CurrentCaller,
        class_id: int,
        before: Before = None,
        limit: Limit = 48,
    ) -> DeniedPage:
        """What was said not to be this person, by whom and when, the last first. Audited."""
        return await faces.denied(caller, class_id, before=before, limit=limit)

    @router.delete(
        "/{class_id}/denied/{denied_id}",
        dependencies=_ENROLS,
        status_code=HTTPStatus.NO_CONTENT,
    )
    async def take_back(caller: CurrentCaller, class_id: int, denied_id: int) -> None:
        """It may be this person again; what a camera saw becomes their match again where it is
        alike enough. Audited."""
        await faces.take_back(caller, class_id, denied_id)


def _add_pictures(router: Section, faces: Faces) -> None:
    @router.get("/{class_id}/pictures", dependencies=_SEES)
    async def pictures(caller: CurrentCaller, class_id: int) -> tuple[PictureCard, ...]:
        """A person's enrolment pictures. Audited."""
        return await faces.pictures_of(caller, class_id)

    @router.post("/{class_id}/pictures", dependencies=_ENROLS, status_code=HTTPStatus.CREATED)
    async def add_pictures(
        caller: CurrentCaller,
        class_id: int,
        wanted: Annotated[PicturesWanted, Form(media_type="multipart/form-data")],
    ) -> EnrolmentAnswer:
        """More pictures of a person; those that are refused are told. Audited."""
        pictures, source = await _pictures(faces, caller, wanted)
        done = await faces.add_pictures(caller, class_id, pictures, source=source)
        return enrolment_answer(done)

    @router.get("/pictures/{image_id}", dependencies=_SEES, response_class=Response)
    async def picture(caller: CurrentCaller, image_id: int) -> Response:
        """An enrolment picture. Audited."""
        content = await faces.picture(caller, image_id)
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @router.delete("/pictures/{image_id}", dependencies=_ENROLS, status_code=HTTPStatus.NO_CONTENT)
    async def delete_picture(caller: CurrentCaller, image_id: int) -> None:
        """Takes away one enrolment picture with its vector. Audited."""
        await faces.delete_picture(caller, image_id)


async def _pictures(
    faces: Faces, caller: Caller, wanted: PicturesWanted
) -> tuple[list[Upload], str]:
    """Those that were sent, or those of cameras; and where they are from, for the record."""
    if not wanted.sighting:
        return await uploads_of(wanted.file), UPLOAD
    if len(wanted.sighting) > MOST_PICTURES:
        raise QuestionInvalid(f"{len(wanted.sighting)} faces: expected 1 to {MOST_PICTURES}")
    of_cameras = [await faces.of_sighting(caller, number) for number in wanted.sighting]
    return [*(await uploads_of(wanted.file) if wanted.file else []), *of_cameras], CAMERA
