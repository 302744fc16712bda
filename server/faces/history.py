"""Whom cameras saw, known or not, and whether somebody was here before: the part of the service
that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from server.accounts.contract import Action, Caller
from server.errors import NotThere, QuestionInvalid
from server.faces.calibration import Calibration, calibration_of
from server.faces.camera_faces import upload_of, vector_of
from server.faces.choosing import usable
from server.faces.contract import Upload
from server.faces.decision import Vector
from server.faces.gate import QUERY
from server.faces.history_contract import (
    MOST_LISTED,
    DayCount,
    Earlier,
    MatchFilter,
    MatchPage,
    PersonRecord,
    Visit,
    VisitorPage,
)
from server.faces.keeping import ModelKey
from server.faces.looking import THUMBNAIL_SIDE, face_cut_out
from server.faces.workplace import Workplace
from server.storage.reading.face_sightings import FaceSighting
from vision.geometry import Box

_WHOLE: Final = Box(x1=0.0, y1=0.0, x2=1.0, y2=1.0)


class History:
    """See `history_contract.FaceHistory`."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    async def sightings(
        self, caller: Caller, *, device_id: str = "", before: int | None = None, limit: int = 48
    ) -> tuple[FaceSighting, ...]:
        found = await self._place.sightings.newest(device_id=device_id, before=before, limit=limit)
        if found:
            what = f"{len(found)} of {device_id or 'all'}"
            await self._place.audit(caller, Action.PERSON_SEEN, "faces of cameras", what)
        return found

    async def face_of_sighting(self, caller: Caller, sighting_id: int) -> bytes:
        sighting = await self._place.sightings.one(sighting_id)
        picture = await self._place.sightings.picture(sighting_id)
        await self._place.audit(caller, Action.PERSON_SEEN, f"face {sighting_id} of a camera")
        at = _WHOLE if sighting.box is None else Box.from_xywh(*sighting.box)
        return await asyncio.to_thread(face_cut_out, picture.content, at)

    async def thumbnails(self, caller: Caller, sighting_ids: Sequence[int]) -> Mapping[int, bytes]:
        if not sighting_ids:
            return {}
        await self._place.audit(
            caller, Action.PERSON_SEEN, "faces of cameras", f"{len(sighting_ids)} shown"
        )
        return await self._thumbnails(sighting_ids)

    async def _thumbnails(self, sighting_ids: Sequence[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for sighting_id in sighting_ids[:MOST_LISTED]:
            try:
                sighting = await self._place.sightings.one(sighting_id)
                picture = await self._place.sightings.picture(sighting_id)
                at = _WHOLE if sighting.box is None else Box.from_xywh(*sighting.box)
                found[sighting_id] = await asyncio.to_thread(
                    face_cut_out, picture.content, at, side=THUMBNAIL_SIDE
                )
            except NotThere:
                continue  # given up as old, or never sent: the list says when and where
        return found

    async def record(
        self, caller: Caller, class_id: int, *, most: int = 12, denied_before: int | None = None
    ) -> PersonRecord:
        found = await self._place.store.record(class_id, most=most, denied_before=denied_before)
        matches, denied = found.matches.matches, found.denied.denied
        await self._place.audit(
            caller,
            Action.PERSON_SEEN,
            f"person {class_id}",
            f"matches: {len(matches)}; faces that are not theirs: {len(denied)}",
        )
        seen = [each.sighting_id for each in matches]
        seen += [each.sighting_id for each in denied if each.sighting_id is not None]
        return replace(found, faces=await self._thumbnails(list(dict.fromkeys(seen))))

    async def matches(
        self, caller: Caller, wanted: MatchFilter, *, before: int | None = None, limit: int = 48
    ) -> MatchPage:
        found = await self._place.store.matches(wanted, before=before, limit=limit)
        people = sorted({each.person.class_id for each in found.matches})
        if people or _is_of_somebody(wanted):  # that somebody was nowhere is news of them
            await self._place.audit(caller, Action.PERSON_SEEN, "matches", f"shown {people}")
        return found

    async def match_days(
        self, caller: Caller, wanted: MatchFilter, zone: tzinfo
    ) -> tuple[DayCount, ...]:
        found = await self._place.store.match_days(wanted, zone)
        if found or _is_of_somebody(wanted):
            await self._place.audit(caller, Action.PERSON_SEEN, "matches", "counted by day")
        return found

    async def deny_match(self, caller: Caller, match_id: int) -> None:
        found = await self._place.store.match(match_id)
        model, now = self._place.model(), self._place.now()
        vector = await self._vector_of_sighting(found.sighting_id, model)
        class_id = found.person.class_id
        await self._place.audit(
            caller,
            Action.PERSON_CHANGED,
            f"person {class_id}",
            f"face {found.sighting_id} is not theirs",
        )
        await self._place.store.deny(
            class_id, vector, caller.name, now, sighting_id=found.sighting_id
        )

    async def visitors(
        self, caller: Caller, *, before: int | None = None, limit: int = 48
    ) -> VisitorPage:
        found, following = await self._place.store.visitors(before=before, limit=limit)
        if found:
            await self._place.audit(
                caller, Action.PERSON_SEEN, "unknown visitors", f"{len(found)} shown"
            )
        return VisitorPage(
            visitors=found, next_before=following, keep_days=self._place.visitor_days
        )

    async def seen_before(self, caller: Caller, picture: Upload) -> Earlier:
        model = self._place.ready_model()
        seen = await self._place.desk.look(picture)
        face = usable(seen, picture, QUERY)
        if face.vector is None:
            raise QuestionInvalid(f"{picture.name}: the face cannot be compared with anybody")
        visits, compared = await self._visits(face.vector, calibration_of(model.version))
        people = sorted({each.person.class_id for each in visits if each.person is not None})
        await self._place.audit(
            caller,
            Action.PERSON_SEEN,
            f"picture {seen.sha256[:12]}",
            f"seen before: {len(visits)} times, shown {people}",
        )
        return Earlier(visits=visits, compared=compared, keep_days=self._place.visitor_days)

    async def _visits(
        self, vector: Vector, calibration: Calibration
    ) -> tuple[tuple[Visit, ...], int]:
        """Of who it is, where that is known, and of unknown people who are alike."""
        store = self._place.store
        decision = (await store.who(vector, calibration.rule, most=1)).decision
        alike, compared = await store.alike(vector, calibration.rule.threshold)
        visits = [
            Visit(
                sighting_id=each.sighting_id,
                device_id=each.device_id,
                seen_at=each.seen_at,
                score=each.score,
                probability=calibration.probability(each.score),
                person=None,
            )
            for each in alike
        ]
        if decision.class_id is not None:
            wanted = MatchFilter(class_id=decision.class_id)
            page = await store.matches(wanted, before=None, limit=MOST_LISTED)
            visits += [
                Visit(
                    sighting_id=each.sighting_id,
                    device_id=each.device_id,
                    seen_at=each.seen_at,
                    score=each.score,
                    probability=each.probability,
                    person=each.person,
                )
                for each in page.matches
            ]
        visits.sort(key=lambda visit: visit.seen_at, reverse=True)
        return tuple(visits[:MOST_LISTED]), compared

    async def _vector_of_sighting(self, sighting_id: int, model: ModelKey) -> Vector:
        """Raises NotThere, QuestionInvalid."""
        sighting = await self._place.sightings.one(sighting_id)
        vector = vector_of(sighting, model)
        if vector is not None:
            return vector
        picture = await self._place.sightings.picture(sighting_id)
        upload = upload_of(sighting, picture.content)
        face = usable(await self._place.desk.look(upload), upload, QUERY)
        if face.vector is None:
            raise QuestionInvalid(f"{upload.name}: the face cannot be compared with anybody")
        return face.vector


def _is_of_somebody(wanted: MatchFilter) -> bool:
    return wanted.class_id is not None or bool(wanted.name.strip())
