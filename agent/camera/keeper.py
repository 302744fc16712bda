"""Keeps a camera going: climbs the ladder while it gives no frame, and counts what that took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from agent.camera.capture_thread import CaptureStats, CaptureThread
from agent.camera.controls import CameraControls, Offer
from agent.camera.errors import SourceTimedOut
from agent.camera.frame import Frame
from agent.recovery import CAMERA, Action, Ladder, Patience, Rung, Signal, climb

REOPEN_SHARE: Final = 1 / 3
"""Of the deadline after which a silent camera counts as failed: then it is opened again."""

log = structlog.get_logger(__name__)


class CameraKeeper:
    """A capture thread, and another one in its place where that may help.

    `make` gives a capture thread that was not started; a source that hangs stays behind with its
    thread. A finite source is never begun again, for that would show everything twice: it is
    waited for, and only given up where it hangs. `next` is called by one thread.
    """

    def __init__(
        self,
        make: Callable[[], CaptureThread],
        *,
        deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.deadline_s = deadline_s
        self._make = make
        self._clock = clock
        self._patience = Patience(first_s=deadline_s * REOPEN_SHARE, next_s=deadline_s)
        self._capture = make()
        self._before = CaptureStats()
        self._ladder = Ladder()
        self._awaited_since_s = clock()
        self._taken_at_s = clock()
        self._restarts_told = 0
        self._is_closed = False
        self._is_held = False
        self._controls: CameraControls | None = None

    @property
    def is_finite(self) -> bool:
        return self._capture.is_finite

    @property
    def total_frames(self) -> int | None:
        """Known for some sources only once they are open."""
        return self._capture.total_frames

    @property
    def waiting(self) -> tuple[int, int]:
        """Frames that wait to be taken, and how many may."""
        return self._capture.waiting

    @property
    def ladder(self) -> Ladder:
        return self._ladder

    @property
    def stats(self) -> CaptureStats:
        """Of all threads together; `restarts` counts how often the source was opened again."""
        now, before = self._capture.stats, self._before
        return CaptureStats(
            frames=before.frames + now.frames,
            dropped=before.dropped + now.dropped,
            restarts=before.restarts + now.restarts,
            last_error=now.last_error or before.last_error,
            newest_at_s=now.newest_at_s or before.newest_at_s,
            is_held=now.is_held,
            is_lost=now.is_lost,
        )

    @property
    def offer(self) -> Offer | None:
        """What the source takes; None while that is not known."""
        return self._capture.offer

    def control(self, controls: CameraControls) -> None:
        """Sets them on a source that takes them, now and whenever it is opened again."""
        self._controls = controls
        self._capture.control(controls)

    def hold(self) -> None:
        """Closes a live source, or pauses a finite one where it is, until `resume`."""
        self._is_held = True
        self._capture.hold()

    def resume(self) -> None:
        """Opens the source again, or goes on with a finite one."""
        self._is_held = False
        self._awaited_since_s = self._clock()
        self._capture.resume()

    def start(self) -> None:
        """Begins to capture; once."""
        self._awaited_since_s = self._clock()
        self._capture.start()

    def __enter__(self) -> CameraKeeper:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def next(self, timeout_s: float) -> Frame | None:
        """As `CaptureThread.next`; each wait in vain is a look at what may help."""
        try:
            frame = self._capture.next(timeout_s)
        except SourceTimedOut:
            if not (self._is_held or self._capture.is_opening):
                self._climb(self._signal())
            raise
        if frame is not None:
            self._say_if_back()
            self._climb(Signal.WORKING)
        return frame

    def silent_s(self) -> float:
        """Seconds since the newest frame, or since one is awaited where that is later."""
        newest_s = self._capture.stats.newest_at_s or self._before.newest_at_s
        return self._clock() - max(self._awaited_since_s, newest_s or 0.0)

    def close(self) -> None:
        """Stops within two seconds; a source that hangs is left behind. Idempotent."""
        self._is_closed = True
        self._capture.close()

    def _signal(self) -> Signal:
        return Signal.HANGING if self._capture.is_hanging else Signal.FAILING

    def _say_if_back(self) -> None:
        """Not of a frame from before it failed, which is taken afterwards."""
        stats, now_s = self.stats, self._clock()
        if stats.is_lost:
            return
        restarts = stats.restarts - self._restarts_told
        if restarts or self._ladder.rung is not Rung.WELL:
            log.info(
                "the camera gives frames again",
                restarts=restarts,
                silent_s=round(now_s - self._taken_at_s, 1),
            )
        self._restarts_told, self._taken_at_s = stats.restarts, now_s

    def _climb(self, signal: Signal) -> None:
        before = self._ladder
        self._ladder, action = climb(
            before,
            signal,
            silent_s=self.silent_s(),
            now_s=self._clock(),
            patience=self._patience,
            table=CAMERA,
        )
        if action is None:
            return
        log.warning(
            "the camera gives no frame",
            severity="critical",
            action=action.value,
            silent_s=self.silent_s(),
        )
        if action is Action.REOPEN:
            self._capture.reopen()
        elif action is Action.RESTART and not self.is_finite and not self._is_closed:
            self._replace()

    def _replace(self) -> None:
        self._capture.close()
        before, fresh = self.stats, self._make()
        self._before, self._capture = before, fresh
        # What an operator wants goes to the one in use: from here on that is this one.
        if self._controls is not None:
            fresh.control(self._controls)
        if self._is_held:
            fresh.hold()
        fresh.start()
        if self._is_closed:
            fresh.close()
