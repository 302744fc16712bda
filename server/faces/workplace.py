"""Where the parts of the face service do their work: what they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from server.accounts.contract import Action, Auditor, Caller
from server.errors import FacesUnavailable, QueueFull
from server.faces.desk import LookingDesk
from server.faces.keeping import FaceStore, ModelKey
from server.faces.looking import Models
from server.storage.reading.face_sightings import FaceSightings

MAKING_READY: Final = "the face index is being made ready after the start: ask again in a moment"
PREPARING_S: Final = 5.0
"""After which to ask again while the index is made ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the service is made of. `keep_days` of a purpose, by its name in lower case;
    `visitor_days` 0: nothing is kept of people who are not enrolled."""

    store: FaceStore
    desk: LookingDesk
    models: Models
    auditor: Auditor
    sightings: FaceSightings
    keep_days: dict[str, int]
    visitor_days: int
    now: Callable[[], datetime]


class Workplace:
    """See `Parts`."""

    def __init__(self, parts: Parts) -> None:
        self.store = parts.store
        self.desk = parts.desk
        self.models = parts.models
        self.sightings = parts.sightings
        self.keep_days = parts.keep_days
        self.visitor_days = parts.visitor_days
        self.now = parts.now
        self.is_preparing = False
        self._auditor = parts.auditor

    def model(self) -> ModelKey:
        """Raises FacesUnavailable."""
        if self.models.key is None:
            raise FacesUnavailable(self.models.problem or "there is no embedding model")
        return self.models.key

    def ready_model(self) -> ModelKey:
        """Likewise; raises QueueFull while the index is made ready."""
        model = self.model()
        if self.is_preparing:
            raise QueueFull(MAKING_READY, retry_after_s=PREPARING_S)
        return model

    async def audit(self, caller: Caller, action: Action, subject: str, detail: str = "") -> None:
        await self._auditor.audit(caller, action, subject, detail)

    async def close(self) -> None:
        """Waits for the work in hand; idempotent."""
        await asyncio.to_thread(self.desk.close)
        await self.store.close()
