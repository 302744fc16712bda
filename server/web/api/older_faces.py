"""The older face service's routes, for its clients: paths and field names as they know them.

`class_id`, `ten` (name), `tuoi` (age), `gioitinh` (gender), `noio` (place). New programs use
`/api/v1/persons` and `/api/v1/faces`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

from fastapi import File, Form, Query, UploadFile

from server.accounts.contract import Caller
from server.accounts.permissions import Permission
from server.errors import QuestionInvalid
from server.faces.contract import (
    MOST_PERSONS,
    Faces,
    Identification,
    PersonDetails,
    PersonFilter,
    ResetKind,
)
from server.web.api.face_answers import (
    UNKNOWN,
    OlderAnswer,
    OlderTopFive,
    box_answer,
    older_face,
    older_match,
    older_person,
)
from server.web.api.section import Section
from server.web.api.uploads import upload_of, uploads_of
from server.web.security.demands import CurrentCaller, requires

SOURCE: Final = "upload"
_SEES: Final = [requires(Permission.SEE_PEOPLE)]
_ENROLS: Final = [requires(Permission.ENROL_PEOPLE)]
_FORGETS: Final = [requires(Permission.FORGET_PEOPLE)]

Files = Annotated[list[UploadFile] | None, File()]
Page = Annotated[int, Query(ge=1, le=1_000_000)]
PageSize = Annotated[int, Query(ge=1, le=MOST_PERSONS)]


def older_faces_router(faces: Faces) -> Section:
    """All of them."""
    router = Section(tags=["faces, as the older service has them"])
    _add_queries(router, faces)
    _add_changes(router, faces)
    _add_lists(router, faces)
    _add_index(router, faces)
    return router


def _add_queries(router: Section, faces: Faces) -> None:
    @router.post("/query", dependencies=_SEES)
    async def query(caller: CurrentCaller, file: UploadFile) -> OlderAnswer:
        """Who is in the picture: its largest face, or `unknown`. Audited."""
        found = await _with_a_face(faces, caller, file)
        told = tuple(older_face(face) for face in found.faces)
        return OlderAnswer(**told[0].model_dump(), faces=told)

    @router.post("/query_top5", dependencies=_SEES)
    async def query_top5(caller: CurrentCaller, file: UploadFile) -> OlderTopFive:
        """The five people whom the largest face resembles most. Audited."""
        face = (await _with_a_face(faces, caller, file)).faces[0]
        match = face.match
        return OlderTopFive(
            class_id=None if match is None else match.person.class_id,
            ten=UNKNOWN if match is None else match.person.details.name,
            reason=face.reason,
            box=box_answer(face.box),
            results=tuple(older_match(each) for each in face.likenesses),
        )


async def _with_a_face(faces: Faces, caller: Caller, file: UploadFile) -> Identification:
    picture = await upload_of(file)
    found = await faces.identify(caller, picture)
    if not found.faces:
        raise QuestionInvalid(f"{picture.name}: there is no face in it")
    return found


def _add_changes(router: Section, faces: Faces) -> None:
    @router.post("/add_embedding", dependencies=_ENROLS)
    async def add_embedding(
        caller: CurrentCaller,
        ten: Annotated[str, Form()] = "",
        tuoi: Annotated[int | None, Form()] = None,
        gioitinh: Annotated[str, Form()] = "",
        noio: Annotated[str, Form()] = "",
        class_id: Annotated[int | None, Form()] = None,
        file: Files = None,
        files: Files = None,
    ) -> dict[str, Any]:
        """Enrols a person by one or more pictures and gives them a number; with `class_id` the
        pictures are added to that person. Audited."""
        pictures = await uploads_of(file, files)
        if class_id is None:
            details = PersonDetails(name=ten, age=tuoi, gender=gioitinh, place=noio)
            done = await faces.enrol(caller, details, pictures, source=SOURCE)
        else:
            done = await faces.add_pictures(caller, class_id, pictures, source=SOURCE)
        return {
            "status": "success" if done.pictures else "warning",
            "message": f"{len(done.pictures)} of {len(pictures)} pictures were enrolled",
            **older_person(done.person).model_dump(),
            "image_ids": [each.image_id for each in done.pictures],
            "refused": [{"name": each.name, "reason": each.reason} for each in done.refused],
        }

    @router.put("/edit_embedding", dependencies=_ENROLS)
    async def edit_embedding(
        caller: CurrentCaller,
        class_id: Annotated[int, Form()],
        ten: Annotated[str | None, Form()] = None,
        tuoi: Annotated[int | None, Form()] = None,
        gioitinh: Annotated[str | None, Form()] = None,
        noio: Annotated[str | None, Form()] = None,
    ) -> dict[str, Any]:
        """Changes what is written down of a person; what is left out stays. Audited."""
        held = (await faces.person(caller, class_id)).details
        details = PersonDetails(
            name=held.name if ten is None else ten,
            age=held.age if tuoi is None else tuoi,
            gender=held.gender if gioitinh is None else gioitinh,
            place=held.place if noio is None else noio,
            consent=held.consent,
            purpose=held.purpose,
            keep_until=held.keep_until,
        )
        changed = await faces.edit(caller, class_id, details)
        return {"status": "success", **older_person(changed).model_dump()}

    @router.delete("/delete_image/{image_id}", dependencies=_ENROLS)
    async def delete_image(caller: CurrentCaller, image_id: int) -> dict[str, Any]:
        """Takes away one enrolment picture with its vector. Audited."""
        await faces.delete_picture(caller, image_id)
        return {"status": "success", "message": f"picture {image_id} is gone"}

    @router.delete("/delete_class/{class_id}", dependencies=_FORGETS)
    async def delete_class(caller: CurrentCaller, class_id: int) -> dict[str, Any]:
        """Forgets a person; the answer proves that nothing is left. Audited."""
        report = await faces.forget(caller, class_id)
        return {
            "status": "success" if report.is_gone else "error",
            "message": f"person {class_id} is forgotten: {report.pictures} pictures are gone",
            "is_gone": report.is_gone,
            "left": report.left,
        }


def _add_lists(router: Section, faces: Faces) -> None:
    @router.get("/list_nguoi", dependencies=_SEES)
    async def list_nguoi(
        caller: CurrentCaller,
        ten: str = "",
        noio: str = "",
        tuoi: int | None = None,
        tuoi_min: int | None = None,
        tuoi_max: int | None = None,
        page: Page = 1,
        page_size: PageSize = 50,
    ) -> dict[str, Any]:
        """Who is enrolled, by parts of name and place, and by age. Audited."""
        wanted = PersonFilter(
            name=ten,
            place=noio,
            least_age=tuoi if tuoi is not None else tuoi_min,
            most_age=tuoi if tuoi is not None else tuoi_max,
        )
        found = await faces.persons(caller, wanted, offset=(page - 1) * page_size, limit=page_size)
        return {
            "data": [
                {**older_person(each).model_dump(), "image_count": each.pictures}
                for each in found.persons
            ],
            "total": found.total,
            "page": page,
            "per_page": page_size,
            "total_pages": math.ceil(found.total / page_size),
        }

    @router.get("/search_embeddings", dependencies=_SEES)
    async def search_embeddings(
        caller: CurrentCaller,
        ten: str = "",
        noio: str = "",
        page: Page = 1,
        page_size: PageSize = 20,
    ) -> dict[str, Any]:
        """The enrolment pictures of those who match, person by person. Audited."""
        wanted = PersonFilter(name=ten, place=noio)
        found = await faces.persons(caller, wanted, offset=(page - 1) * page_size, limit=page_size)
        data = [
            {
                **older_person(person).model_dump(),
                "image_id": each.image_id,
                "quality": each.quality,
            }
            for person in found.persons
            for each in await faces.pictures_of(caller, person.class_id)
        ]
        return {
            "data": data,
            "total": found.total,
            "page": page,
            "per_page": page_size,
            "total_pages": math.ceil(found.total / page_size),
        }

    @router.get("/get_image_ids_by_class/{class_id}", dependencies=_SEES)
    async def get_image_ids_by_class(caller: CurrentCaller, class_id: int) -> dict[str, Any]:
        """The numbers of a person's enrolment pictures. Audited."""
        cards = await faces.pictures_of(caller, class_id)
        return {"class_id": class_id, "image_ids": [each.image_id for each in cards]}


def _add_index(router: Section, faces: Faces) -> None:
    @router.get("/index_status", dependencies=_SEES)
    async def index_status() -> dict[str, Any]:
        """How many are found, and what keeps the others from it."""
        told = await faces.status()
        return {
            "status": "ok" if told.problem is None else "failing",
            "message": told.problem or "",
            "total_vectors": told.indexed,
            "total_images": told.pictures,
            "total_classes": told.persons,
            "waiting_images": told.waiting,
            "revision": told.revision,
        }

    @router.get("/vector_info", dependencies=_SEES)
    async def vector_info() -> dict[str, Any]:
        """What a vector is."""
        told = await faces.status()
        return {
            "dimension": told.numbers,
            "metric": "cosine",
            "model": told.model,
            "model_version": told.model_version,
            "detector": told.detector,
        }

    @router.post("/reset_index", dependencies=_FORGETS)
    async def reset_index(caller: CurrentCaller, confirm: str = "") -> dict[str, Any]:
        """`confirm=rebuild` builds the index anew from what is enrolled; `confirm=forget-everybody`
        first takes away everybody who is enrolled. Searches see the old or the new. Audited."""
        try:
            kind = ResetKind(confirm)
        except ValueError:
            raise QuestionInvalid(
                f"confirm={confirm!r}: expected confirm=rebuild (nobody is forgotten) or "
                "confirm=forget-everybody (all persons, pictures and vectors are taken away)"
            ) from None
        told = await faces.reset(caller, kind)
        return {"status": "success", "total_vectors": told.indexed, "total_classes": told.persons}
