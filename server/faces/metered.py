"""The face gallery with everything that is asked of it counted and timed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from server.accounts.contract import Caller
from server.faces.contract import (
    Enrolment,
    Identification,
    PersonDetails,
    Upload,
    Verification,
)
from server.faces.meter import FaceMeter
from server.faces.service import FaceService
from server.faces.workplace import Workplace

_DETECTOR_AND_EMBEDDER: Final = 2


class MeteredFaceService(FaceService):
    """Implements `contract.Faces`, and `meter.Holding` for its meter."""

    def __init__(self, place: Workplace, meter: FaceMeter) -> None:
        super().__init__(place)
        self._meter = meter
        meter.holding = self

    @property
    def active_models(self) -> int:
        return 0 if self._place.models.key is None else _DETECTOR_AND_EMBEDDER

    async def total_faces(self) -> int:
        return (await self._place.store.counted()).pictures

    async def identify(self, caller: Caller, picture: Upload, *, most: int = 5) -> Identification:
        with self._meter.asked("identify"):
            return await super().identify(caller, picture, most=most)

    async def verify(self, caller: Caller, one: Upload, other: Upload) -> Verification:
        with self._meter.asked("verify"):
            return await super().verify(caller, one, other)

    async def enrol(
        self, caller: Caller, details: PersonDetails, pictures: Sequence[Upload], *, source: str
    ) -> Enrolment:
        with self._meter.asked("register"):
            return await super().enrol(caller, details, pictures, source=source)

    async def add_pictures(
        self, caller: Caller, class_id: int, pictures: Sequence[Upload], *, source: str
    ) -> Enrolment:
        with self._meter.asked("register"):
            return await super().add_pictures(caller, class_id, pictures, source=source)
