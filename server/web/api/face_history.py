"""Routes of faces that cameras saw: who they were, unknown visitors, and who was here before."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Query, Response
from pydantic import BaseModel

from server.accounts.permissions import Permission
from server.errors import QuestionInvalid
from server.faces.history_contract import (
    MOST_LISTED,
    Earlier,
    FaceGallery,
    Match,
    MatchFilter,
    Visitor,
)
from server.storage.reading.face_sightings import FaceSighting
from server.web.api.face_answers import (
    IdentificationAnswer,
    PersonAnswer,
    identification_answer,
    person_answer,
)
from server.web.api.section import Section
from server.web.api.uploads import Picture, upload_of
from server.web.security.demands import CurrentCaller, requires

_SEES: Final = [requires(Permission.SEE_PEOPLE)]
_ENROLS: Final = [requires(Permission.ENROL_PEOPLE)]

Before = Annotated[int | None, Query(ge=0, description="next_before of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED)]


class FaceSightingAnswer(BaseModel):
    """A face that a camera saw; `box` is x, y, width, height in shares (0..1) of its picture."""

    id: int
    device_id: str
    captured_at: datetime | None
    confidence_percent: float | None
    quality: float | None
    box: tuple[float, float, float, float] | None
    has_picture: bool


class FaceSightingsAnswer(BaseModel):
    """The last to arrive first."""

    sightings: tuple[FaceSightingAnswer, ...]
    next_before: int | None


class MatchAnswer(BaseModel):
    """A camera saw somebody who is enrolled."""

    match_id: int
    person: PersonAnswer
    sighting_id: int
    device_id: str
    seen_at: datetime
    score: float
    probability: float | None


class MatchesAnswer(BaseModel):
    """The last to arrive first."""

    matches: tuple[MatchAnswer, ...]
    next_before: int | None


class VisitorsAnswer(BaseModel):
    """The last to arrive first; `keep_days` 0: none are kept."""

    visitors: tuple[Visitor, ...]
    next_before: int | None
    keep_days: int


class VisitAnswer(BaseModel):
    """`person` null: as somebody unknown."""

    sighting_id: int
    device_id: str
    seen_at: datetime
    score: float
    probability: float | None
    person: PersonAnswer | None


class EarlierAnswer(BaseModel):
    """The last time first; so many faces of unknown visitors were `compared`."""

    visits: tuple[VisitAnswer, ...]
    compared: int
    keep_days: int


def face_history_router(faces: FaceGallery) -> Section:
    """Everything below /api/v1/faces that is about cameras."""
    router = Section(prefix="/api/v1/faces", tags=["faces"])
    _add_sightings(router, faces)
    _add_matches(router, faces)
    _add_visitors(router, faces)
    return router


def _add_sightings(router: Section, faces: FaceGallery) -> None:
    @router.get("/sightings", dependencies=_SEES)
    async def sightings(
        caller: CurrentCaller, camera: str = "", before: Before = None, limit: Limit = 48
    ) -> FaceSightingsAnswer:
        """Faces that cameras saw, the last to arrive first. Audited."""
        found = await faces.sightings(caller, device_id=camera, before=before, limit=limit)
        return FaceSightingsAnswer(
            sightings=tuple(_sighting(each) for each in found),
            next_before=found[-1].id if len(found) == limit else None,
        )

    @router.get("/sightings/{sighting_id}", dependencies=_SEES)
    async def identify_sighting(
        caller: CurrentCaller,
        sighting_id: int,
        most: Annotated[int, Query(ge=1, le=32)] = 5,
    ) -> IdentificationAnswer:
        """Who that is, and who else is in the picture: the face that was meant first. Audited."""
        picture = await faces.of_sighting(caller, sighting_id)
        return identification_answer(await faces.identify(caller, picture, most=most))

    @router.get("/sightings/{sighting_id}/face", dependencies=_SEES, response_class=Response)
    async def face(caller: CurrentCaller, sighting_id: int) -> Response:
        """The face and what is close around it, as a JPEG. Audited."""
        content = await faces.face_of_sighting(caller, sighting_id)
        return Response(content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @router.get("/sightings/{sighting_id}/seen-before", dependencies=_SEES)
    async def sighting_before(caller: CurrentCaller, sighting_id: int) -> EarlierAnswer:
        """When that face was seen by a camera. Audited."""
        picture = await faces.of_sighting(caller, sighting_id)
        return _earlier(await faces.seen_before(caller, picture))


def _add_matches(router: Section, faces: FaceGallery) -> None:
    @router.get("/matches", dependencies=_SEES)
    async def matches(
        caller: CurrentCaller,
        class_id: int | None = None,
        name: str = "",
        camera: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        before: Before = None,
        limit: Limit = 48,
    ) -> MatchesAnswer:
        """Who was recognised by cameras, all or one person or those with that in their name; times
        with their offset from UTC. Audited."""
        for key, value in (("since", since), ("until", until)):
            if value is not None and value.tzinfo is None:
                raise QuestionInvalid(f"{key}={value}: expected a time with its offset from UTC")
        wanted = MatchFilter(
            class_id=class_id, name=name, device_id=camera, since=since, until=until
        )
        found = await faces.matches(caller, wanted, before=before, limit=limit)
        told = tuple(_match(each) for each in found.matches)
        return MatchesAnswer(matches=told, next_before=found.next_before)

    @router.post(
        "/matches/{match_id}/denied", dependencies=_ENROLS, status_code=HTTPStatus.NO_CONTENT
    )
    async def deny(caller: CurrentCaller, match_id: int) -> None:
        """That was not this person: the match goes, the face is noted as not theirs. Audited."""
        await faces.deny_match(caller, match_id)


def _add_visitors(router: Section, faces: FaceGallery) -> None:
    @router.get("/visitors", dependencies=_SEES)
    async def visitors(
        caller: CurrentCaller, before: Before = None, limit: Limit = 48
    ) -> VisitorsAnswer:
        """Who was seen by cameras and is not enrolled, where that is kept
        (SERVER_FACE_VISITOR_DAYS). Audited."""
        found = await faces.visitors(caller, before=before, limit=limit)
        return VisitorsAnswer(
            visitors=found.visitors, next_before=found.next_before, keep_days=found.keep_days
        )

    @router.post("/seen-before", dependencies=_SEES)
    async def seen_before(caller: CurrentCaller, wanted: Picture) -> EarlierAnswer:
        """When the largest face of the picture was seen by a camera. Audited."""
        return _earlier(await faces.seen_before(caller, await upload_of(wanted.file)))


def _sighting(sighting: FaceSighting) -> FaceSightingAnswer:
    return FaceSightingAnswer(
        id=sighting.id,
        device_id=sighting.device_id,
        captured_at=sighting.captured_at,
        confidence_percent=sighting.confidence_percent,
        quality=sighting.quality,
        box=sighting.box,
        has_picture=sighting.has_picture,
    )


def _match(match: Match) -> MatchAnswer:
    return MatchAnswer(
        match_id=match.match_id,
        person=person_answer(match.person),
        sighting_id=match.sighting_id,
        device_id=match.device_id,
        seen_at=match.seen_at,
        score=match.score,
        probability=match.probability,
    )


def _earlier(found: Earlier) -> EarlierAnswer:
    return EarlierAnswer(
        visits=tuple(
            VisitAnswer(
                sighting_id=each.sighting_id,
                device_id=each.device_id,
                seen_at=each.seen_at,
                score=each.score,
                probability=each.probability,
                person=None if each.person is None else person_answer(each.person),
            )
            for each in found.visits
        ),
        compared=found.compared,
        keep_days=found.keep_days,
    )
