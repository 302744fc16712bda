"""Where the parts of the face service do their work: what they share, and the threads it is on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import apsw

from server.accounts.contract import Action, Auditor, Caller
from server.errors import FacesUnavailable, QueueFull
from server.faces.desk import LookingDesk
from server.faces.gallery import Gallery
from server.faces.ledger import Ledger
from server.faces.looking import Models
from server.faces.vector_rows import ModelKey
from server.storage.reading.face_sightings import FaceSightings

T = TypeVar("T")

MAKING_READY: Final = "the face index is being made ready after the start: ask again in a moment"
PREPARING_S: Final = 5.0
"""After which to ask again while the index is made ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the service is made of. `keep_days` of a purpose, by its name in lower case;
    `visitor_days` 0: nothing is kept of people who are not enrolled."""

    gallery: Gallery
    desk: LookingDesk
    models: Models
    auditor: Auditor
    sightings: FaceSightings
    keep_days: dict[str, int]
    visitor_days: int
    now: Callable[[], datetime]


class Workplace:
    """Two threads that read the gallery, one that changes it."""

    def __init__(self, parts: Parts) -> None:
        self.gallery = parts.gallery
        self.desk = parts.desk
        self.models = parts.models
        self.sightings = parts.sightings
        self.keep_days = parts.keep_days
        self.visitor_days = parts.visitor_days
        self.now = parts.now
        self.is_preparing = False
        self._auditor = parts.auditor
        self._reading = ThreadPoolExecutor(2, thread_name_prefix="sightpost-gallery")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="sightpost-enrol")

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

    async def read(self, work: Callable[[], T]) -> T:
        return await self._on(self._reading, work)

    async def read_rows(self, work: Callable[[apsw.Connection], T]) -> T:
        return await self._on(self._reading, lambda: self.gallery.read(work))

    async def change(self, work: Callable[[Ledger], T]) -> T:
        return await self._on(self._writing, lambda: self.gallery.change(work))

    async def note(self, work: Callable[[apsw.Connection], T]) -> T:
        """A change that no vector has part in."""
        return await self._on(self._writing, lambda: self.gallery.note(work))

    async def upkeep(self, work: Callable[[], T]) -> T:
        """On the thread that changes the gallery."""
        return await self._on(self._writing, work)

    async def close(self) -> None:
        """Waits for the work in hand and saves the index; idempotent."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self.desk.close()
        self._reading.shutdown()
        self._writing.shutdown()
        self.gallery.close()

    async def _on(self, executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, work)
