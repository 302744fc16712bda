"""Keeps the outbox within its disk: the limits, the reserve, retention. Blocking."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta, tzinfo
from typing import Final

import apsw
import structlog

from agent.clock import Clock
from agent.errors import OutboxError
from agent.outbox.correction import correct_times
from agent.outbox.eviction import evict_pictures, give_up_rows, measured_bytes
from agent.outbox.quota import Limits, Need, Reason, Usage, need
from agent.outbox.reserve import reserve_beside
from agent.outbox.retention import Pruned, prune
from agent.outbox.store import Outbox
from agent.outbox.trouble import advice
from agent.outbox.waiting import Reading

log = structlog.get_logger(__name__)

ROOM_BYTES: Final = 4 * 1024 * 1024
"""What is given up at once on a full disk, so that the recording thread waits a moment only."""
_FAULTS: Final = (apsw.Error, OSError)
"""Of the database, and of the folder of pictures."""


class Upkeep:
    """Methods may be called from any thread; one makes room at a time."""

    def __init__(
        self, outbox: Outbox, *, limits: Limits, clock: Clock, zone: tzinfo | None = None
    ) -> None:
        self._outbox = outbox
        self._spool = outbox.spool
        self._limits = limits
        self._clock = clock
        self._zone = zone
        self._reserve = reserve_beside(outbox.path)
        self._making_room = threading.Lock()
        self._was_short = False
        self._may_need_correction = bool(clock.boot_id)

    def measure(self) -> int:
        """Counts what the pictures take, and holds the reserve; at start, and now and then."""
        self._reserve.hold()
        try:
            self._spool.measured(measured_bytes(self._outbox, self._spool))
        except _FAULTS as error:
            raise self._failed(error, "the pictures cannot be counted") from error
        return self._spool.size_bytes

    def keep_within_limits(self) -> int:
        """Gives up pictures beyond the quota or below the floor; how many bytes went. Cheap."""
        try:
            usage = Usage(spool_bytes=self._spool.size_bytes, free_bytes=self._spool.free_bytes())
            needed = need(usage, self._limits)
            if needed is None:
                self._was_short = False
                return 0
            with self._making_room:
                freed = evict_pictures(self._outbox, self._spool, needed)
        except _FAULTS as error:
            raise self._failed(error, "pictures cannot be given up") from error
        if not freed and not self._was_short:
            log.error(
                "the disk is short and no picture is left to give up: free space on it",
                free_bytes=usage.free_bytes,
                floor_bytes=self._limits.floor_bytes,
            )
        self._was_short = not freed
        return freed

    def make_room(self, for_row: bool) -> bool:
        """On a full disk: gives up a little of the least dear; whether anything went.

        First the reserve, for to mark what is given up takes room as well; then pictures; then,
        when there are none and a row needs the room, rows.
        """
        with self._making_room:
            had_reserve = self._reserve.release()
            freed = self._tried(self._give_up_pictures)
            if not freed and for_row and not had_reserve:
                freed = self._tried(lambda: give_up_rows(self._outbox))
            if had_reserve and self._spool.free_bytes() > 2 * ROOM_BYTES:
                self._reserve.hold()
        return bool(freed or had_reserve)

    def _give_up_pictures(self) -> int:
        needed = Need(reason=Reason.DISK_FULL, size_bytes=ROOM_BYTES)
        return evict_pictures(self._outbox, self._spool, needed)

    def _tried(self, give_up: Callable[[], int]) -> int:
        """What went; nothing where even that found no room."""
        try:
            return give_up()
        except (*_FAULTS, OutboxError) as error:
            log.error("no room could be made so", error=str(error))
            return 0

    def correct_times(self) -> int:
        """Gives rows from before the clock was set their true time, once it is; cheap otherwise."""
        newest = self._outbox.look_at_clock()
        if newest.state != "synchronised":
            self._may_need_correction = True
            return 0
        if not self._may_need_correction:
            return 0
        try:
            corrected = correct_times(
                self._outbox,
                boot_id=self._clock.boot_id,
                offset_s=newest.offset_s,
                zone=self._zone,
            )
        except apsw.Error as error:
            raise self._failed(error, "times cannot be set right") from error
        self._may_need_correction = False
        if corrected:
            log.info("the clock was set: rows have their true time now", rows=corrected)
        return corrected

    def prune(self, *, keep_days: float) -> Pruned:
        """Deletes what was acknowledged before so many days, with its pictures."""
        now = self._clock.now()
        reading = Reading(zone=self._zone, now=now)
        before = now - timedelta(days=keep_days)
        try:
            pruned = prune(self._outbox, self._spool, before=before, reading=reading)
        except apsw.Error as error:
            raise self._failed(error, "what was sent long ago cannot be deleted") from error
        if pruned.rows:
            log.info("sent rows deleted", rows=pruned.rows, picture_bytes=pruned.picture_bytes)
        return pruned

    def _failed(self, error: apsw.Error | OSError, what: str) -> OutboxError:
        return OutboxError(f"{self._outbox.path}: {what} ({error}): {advice(error)}")
