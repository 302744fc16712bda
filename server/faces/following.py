"""Compares every face that cameras send with the gallery: who is known becomes a match, and who is
not an unknown visitor where those are wanted.

A face and how far this has come are noted in one transaction, so that after a crash none is left
out and none counts twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from server.errors import (
    FacesUnavailable,
    NotThere,
    QuestionInvalid,
    QueueFull,
    ServerError,
    StorageUnavailable,
    TookTooLong,
)
from server.faces.calibration import calibration_of
from server.faces.camera_faces import upload_of, vector_of
from server.faces.choosing import usable
from server.faces.contract import Outcome
from server.faces.decision import Vector
from server.faces.gate import QUERY
from server.faces.keeping import Compared, Look, ModelKey, Recognised
from server.faces.workplace import Workplace
from server.storage.reading.face_sightings import FaceSighting
from server.storage.reading.sightings import Picture

AT_ONCE: Final = 16
LOOKED_EVERY_S: Final = 0.5
"""For new faces."""
TROUBLE_S: Final = 10.0
"""Until it is tried again after trouble that may pass."""
TRIES: Final = 6
"""So often a picture is tried that cannot be looked into, while others can."""
PROBED: Final = 32
"""Faces that come after it, to find one whose picture can be looked into."""

_log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[object]]


class Follower:
    """Goes on where it was. Gives way to people: it has one picture looked into at a time, and
    waits where their queue is full."""

    def __init__(self, place: Workplace, *, sleep: Sleep = asyncio.sleep) -> None:
        self._place = place
        self._sleep = sleep
        self._held_up = (0, 0)
        """By which sighting, and how often it was tried."""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                done = await self.follow()
                pause_s = 0.0 if done == AT_ONCE else LOOKED_EVERY_S
            except (FacesUnavailable, StorageUnavailable, TookTooLong) as error:
                _log.warning("faces of cameras are not compared now", reason=str(error))
                pause_s = TROUBLE_S
            except QueueFull as error:
                pause_s = error.retry_after_s
            await self._sleep(pause_s)

    async def follow(self) -> int:
        """Compares what has come since, at most AT_ONCE faces; how many those were."""
        model = self._place.ready_model()
        after = await self._place.store.position()
        sightings = await self._place.sightings.following(after, limit=AT_ONCE)
        for sighting in sightings:
            while not await self._place.store.note(await self._compared(sighting, model)):
                pass  # the gallery was changed meanwhile
        return len(sightings)

    async def _compared(self, sighting: FaceSighting, model: ModelKey) -> Compared:
        nothing = Compared(sighting_id=sighting.id)
        try:
            vector = await self._vector_in_time(sighting, model)
        except (NotThere, QuestionInvalid):  # no picture, or none in which the face can be told
            return nothing
        except ServerError:
            raise
        except Exception:  # noqa: BLE001 (one picture must not hold up all that come after it)
            _log.exception("a face is passed over: looking at it broke", sighting_id=sighting.id)
            return nothing
        if vector is None:
            return nothing
        look = Look(
            sighting_id=sighting.id,
            device_id=sighting.device_id,
            seen_at=sighting.captured_at or self._place.now(),
            vector=vector,
        )
        calibration = calibration_of(model.version)
        found = await self._place.store.who(vector, calibration.rule, most=1)
        decision = found.decision
        person, keep_until = None, None
        if decision.class_id is not None:
            score = decision.scores[0].score
            person = Recognised(
                class_id=decision.class_id, score=score, probability=calibration.probability(score)
            )
        elif decision.outcome is Outcome.UNKNOWN and self._place.visitor_days:
            keep_until = self._place.now() + timedelta(days=self._place.visitor_days)
        return Compared(
            sighting_id=sighting.id,
            look=look,
            person=person,
            keep_until=keep_until,
            revision=found.revision,
        )

    async def _vector_in_time(self, sighting: FaceSighting, model: ModelKey) -> Vector | None:
        """None, too, where its picture alone cannot be looked into, however often it is tried:
        where no other can, either, the store or the models are away, and that is waited for."""
        try:
            return await self._vector(sighting, model)
        except (FacesUnavailable, StorageUnavailable) as error:
            held_up_by, tries = self._held_up
            tries = tries + 1 if held_up_by == sighting.id else 1
            self._held_up = (sighting.id, tries)
            if tries < TRIES or not await self._another_can_be(sighting):
                raise
            _log.warning("a face is passed over", sighting_id=sighting.id, reason=str(error))
            return None

    async def _another_can_be(self, sighting: FaceSighting) -> bool:
        """Looked into, of the next that come after it."""
        for other in await self._place.sightings.following(sighting.id, limit=PROBED):
            if not other.has_picture:
                continue
            try:
                picture = await self._place.sightings.picture(other.id)
                await self._place.desk.look(upload_of(other, picture.content))
            except Exception:  # noqa: BLE001, S112 (whatever it is, this one cannot be)
                continue
            return True
        return False

    async def _vector(self, sighting: FaceSighting, model: ModelKey) -> Vector | None:
        vector = vector_of(sighting, model)
        if vector is not None:
            return vector
        picture = await self._picture(sighting)
        upload = upload_of(sighting, picture.content)
        return usable(await self._place.desk.look(upload), upload, QUERY).vector

    async def _picture(self, sighting: FaceSighting) -> Picture:
        """Raises NotThere; says so where there should be one: nobody is recognised then, and where
        this process looks for pictures may be another place than where they are kept."""
        try:
            return await self._place.sightings.picture(sighting.id)
        except NotThere as error:
            if sighting.has_picture:
                _log.warning("a face is passed over", sighting_id=sighting.id, reason=str(error))
            raise
