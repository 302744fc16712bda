"""What the overview shows, asked once for everybody who looks: one reader, many viewers.

A viewer gets the newest picture of things when it has shown the one before; what it missed in
between it never gets, so that nothing piles up for it. One that takes too long is let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from server.errors import ServerError
from server.storage.reading.cameras import CameraCard, Cameras, CameraState
from server.storage.reading.sightings import (
    MinuteCount,
    SightingCard,
    SightingFilter,
    Sightings,
)

PACE_S: Final = 2.0
LATEST: Final = 12
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The centre at `at`; `fault` says why it could not be looked at, with what was seen before."""

    at: datetime
    cameras: tuple[CameraCard, ...] = ()
    minutes: tuple[MinuteCount, ...] = ()
    latest: tuple[SightingCard, ...] = ()
    fault: str = ""

    def count(self, state: CameraState) -> int:
        return sum(camera.state is state for camera in self.cameras)


class LiveBoard:
    """Looks while somebody watches, every `pace_s`; rests while nobody does."""

    def __init__(
        self,
        cameras: Cameras,
        sightings: Sightings,
        *,
        connected: Callable[[], frozenset[str]],
        now: Callable[[], datetime],
        pace_s: float = PACE_S,
    ) -> None:
        self._cameras = cameras
        self._sightings = sightings
        self._connected = connected
        self._now = now
        self._pace_s = pace_s
        self._viewers = 0
        self._is_watched = asyncio.Event()
        self._changed = asyncio.Condition()
        self._newest: Snapshot | None = None
        self._number = 0

    @property
    def viewers(self) -> int:
        return self._viewers

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._is_watched.wait()
            await self._look()
            await asyncio.sleep(self._pace_s)

    async def now(self) -> Snapshot:
        """The newest there is, or one made at once where nobody watched lately."""
        newest = self._newest
        if newest is None or (self._now() - newest.at).total_seconds() > 2 * self._pace_s:
            newest = await self._look()
        return newest

    async def follow(self) -> AsyncGenerator[Snapshot]:
        """Each snapshot from now on, but those that came while the one before was shown."""
        self._viewers += 1
        self._is_watched.set()
        seen = self._number
        try:
            while True:
                async with self._changed:
                    while self._number <= seen:
                        await self._changed.wait()
                    seen, newest = self._number, self._newest
                if newest is not None:
                    yield newest
        finally:
            self._viewers -= 1
            if not self._viewers:
                self._is_watched.clear()

    async def _look(self) -> Snapshot:
        at = self._now()
        try:
            found = await self._read(at)
        except ServerError as error:
            _log.warning("overview cannot be read", reason=str(error))
            found = self._as_before(at, str(error))
        except Exception:  # noqa: BLE001 - who looks is told, and the next look is taken
            _log.exception("overview failed")
            found = self._as_before(at, "the overview failed: the server's log says why")
        async with self._changed:
            self._newest = found
            self._number += 1
            self._changed.notify_all()
        return found

    async def _read(self, at: datetime) -> Snapshot:
        return Snapshot(
            at=at,
            cameras=await self._cameras.board(now=at, connected=self._connected()),
            minutes=await self._sightings.per_minute(until=at),
            latest=(await self._sightings.page(SightingFilter(), limit=LATEST)).cards,
        )

    def _as_before(self, at: datetime, fault: str) -> Snapshot:
        return replace(self._newest or Snapshot(at=at), at=at, fault=fault)
