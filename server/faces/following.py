"""Compares every face that cameras send with the gallery: who is known becomes a match, and who is
not an unknown visitor where those are wanted.

A face and how far this has come are noted in one transaction, so that after a crash none is left
out and none counts twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import apsw
import structlog

from server.errors import (
    FacesUnavailable,
    NotThere,
    QuestionInvalid,
    QueueFull,
    StorageUnavailable,
    TookTooLong,
)
from server.faces import history_rows
from server.faces.calibration import calibration_of
from server.faces.camera_faces import upload_of, vector_of
from server.faces.choosing import usable
from server.faces.contract import Outcome
from server.faces.decision import Decision, Vector, decide
from server.faces.gate import QUERY
from server.faces.history_rows import Look
from server.faces.vector_rows import ModelKey
from server.faces.workplace import Workplace
from server.storage.reading.face_sightings import FaceSighting

AT_ONCE: Final = 16
LOOKED_EVERY_S: Final = 0.5
"""For new faces."""
TROUBLE_S: Final = 10.0
"""Until it is tried again after trouble that may pass."""

_log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is to be noted of one face: `look` None, it cannot be compared and nothing is."""

    sighting_id: int
    look: Look | None = None
    decision: Decision | None = None


class Follower:
    """Goes on where it was. Gives way to people: it has one picture looked into at a time, and
    waits where their queue is full."""

    def __init__(self, place: Workplace, *, sleep: Sleep = asyncio.sleep) -> None:
        self._place = place
        self._sleep = sleep

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
        after = await self._place.read_rows(history_rows.position)
        sightings = await self._place.sightings.following(after, limit=AT_ONCE)
        for sighting in sightings:
            compared = await self._compared(sighting, model)
            await self._place.note(partial(self._note, compared=compared, model=model))
        return len(sightings)

    async def _compared(self, sighting: FaceSighting, model: ModelKey) -> Compared:
        nothing = Compared(sighting_id=sighting.id)
        try:
            vector = await self._vector(sighting, model)
        except (NotThere, QuestionInvalid):  # no picture, or none in which the face can be told
            return nothing
        if vector is None:
            return nothing
        look = Look(
            sighting_id=sighting.id,
            device_id=sighting.device_id,
            seen_at=sighting.captured_at or self._place.now(),
            vector=vector,
        )
        rule = calibration_of(model.version).rule
        decision = await self._place.read(
            lambda: decide(vector, self._place.gallery.near(vector), rule)
        )
        return Compared(sighting_id=sighting.id, look=look, decision=decision)

    async def _vector(self, sighting: FaceSighting, model: ModelKey) -> Vector | None:
        vector = vector_of(sighting, model)
        if vector is not None:
            return vector
        picture = await self._place.sightings.picture(sighting.id)
        upload = upload_of(sighting, picture.content)
        return usable(await self._place.desk.look(upload), upload, QUERY).vector

    def _note(self, rows: apsw.Connection, *, compared: Compared, model: ModelKey) -> None:
        history_rows.move_on(rows, compared.sighting_id)
        look, decision = compared.look, compared.decision
        if look is None or decision is None:
            return
        if decision.outcome is Outcome.KNOWN:
            best = decision.scores[0]
            history_rows.add_match(
                rows,
                best.class_id,
                look,
                model,
                score=best.score,
                probability=calibration_of(model.version).probability(best.score),
            )
        elif decision.outcome is Outcome.UNKNOWN and self._place.visitor_days:
            keep_until = self._place.now() + timedelta(days=self._place.visitor_days)
            history_rows.add_visitor(rows, look, model, keep_until=keep_until)
