"""Keeps one source running in a thread of its own and hands its frames to the pipeline."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from agent.camera.backoff import RestartPolicy, restart_delay_s
from agent.camera.controls import CameraControls, ControlledSource, Offer
from agent.camera.errors import SourceError, SourceFailed, SourceTimedOut
from agent.camera.frame import Frame
from agent.camera.handover import Handover
from agent.camera.source import FrameSource
from vision.pictures import picture_fault

_log = structlog.get_logger(__name__)
_SLICE_S = 0.25  # how soon a stop is noticed while a source gives nothing
_STOP_S = 1.5
_LONGEST_CALL_S = 30.0  # opening a network camera may take half of this


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureStats:
    """What was captured so far; `newest_at_s` is the monotonic time of the newest frame.

    `is_held`: somebody has closed the camera for now. `is_lost`: it failed, and has given no frame
    since.
    """

    frames: int = 0
    dropped: int = 0
    restarts: int = 0
    last_error: str | None = None
    newest_at_s: float | None = None
    is_held: bool = False
    is_lost: bool = False


class CaptureThread:
    """Runs a source from `start` to `close`.

    `lossless`: every frame is handed over, in order, as fast as it is taken; for finite sources.
    Otherwise the newest frame wins, and a finite source plays at the speed of its recording.
    A live source that hangs, ends or breaks is opened again after a growing delay, for ever; its
    frames stay numbered and timed in one run. A finite source that breaks ends with its error,
    since starting over would show everything twice.
    """

    def __init__(
        self,
        source: FrameSource,
        *,
        lossless: bool,
        policy: RestartPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._source = source
        self._lossless = lossless
        self._policy = policy or RestartPolicy()
        self._clock = clock
        self._chance = chance
        self._handover = Handover(lossless=lossless)
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self._wanted.set()
        self._controls: CameraControls | None = None
        self._wake = threading.Event()
        self._call_since_s: float | None = None
        self._has_timed_out = False
        self._is_opening = False
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._lock = threading.Lock()
        self._stats = CaptureStats()
        self._last: Frame | None = None
        self._shift_number = 0
        self._shift_s = 0.0

    @property
    def is_finite(self) -> bool:
        return self._source.is_finite

    @property
    def total_frames(self) -> int | None:
        """Known for some sources only once they are open."""
        return self._source.total_frames

    @property
    def stats(self) -> CaptureStats:
        dropped = self._handover.dropped
        with self._lock:
            return replace(self._stats, dropped=dropped, is_held=not self._wanted.is_set())

    def hold(self) -> None:
        """Closes a live source, or pauses a finite one where it is, until `resume`. May be
        repeated; from any thread. Returns before it is done."""
        self._wanted.clear()

    def resume(self) -> None:
        """Opens the source again, or goes on with a finite one. May be repeated."""
        self._wanted.set()

    @property
    def waiting(self) -> tuple[int, int]:
        """Frames that wait to be taken, and how many may."""
        return self._handover.waiting, self._handover.capacity

    @property
    def offer(self) -> Offer | None:
        """What the source takes; None while that is not known."""
        source = self._source
        return source.offer if isinstance(source, ControlledSource) else None

    def control(self, controls: CameraControls) -> None:
        """Sets them on a source that takes them, now and whenever it is opened again."""
        self._controls = controls

    @property
    def is_hanging(self) -> bool:
        """Whether a call into the source does not return, or did not in its time the last time."""
        since_s = self._call_since_s
        is_stuck = since_s is not None and self._clock() - since_s > _LONGEST_CALL_S
        return is_stuck or self._has_timed_out

    @property
    def is_opening(self) -> bool:
        """Whether the source is being opened and its time for that is not over."""
        return self._is_opening and not self.is_hanging

    def reopen(self) -> None:
        """Opens a live source again now: ends waiting for a frame, and pauses between attempts."""
        self._wake.set()

    def start(self) -> None:
        """Begins to capture; once."""
        self._thread.start()

    def __enter__(self) -> CaptureThread:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def next(self, timeout_s: float) -> Frame | None:
        """The next frame; None once a finite source has ended or this was closed.

        Raises `SourceTimedOut` when none came in time (a live source may come back: ask again)
        and the `SourceFailed` that ended a finite source.
        """
        return self._handover.take(timeout_s, lambda: self._late(timeout_s))

    def close(self) -> None:
        """Stops within two seconds; a source that hangs is left behind. Idempotent."""
        is_first = not self._stop.is_set()
        self._stop.set()
        self._wake.set()
        self._handover.close()
        if self._thread.ident is None or not is_first:
            return
        self._thread.join(_STOP_S)
        if self._thread.is_alive():
            _log.warning("source hangs and is left behind", after_s=_STOP_S)

    def _late(self, timeout_s: float) -> SourceError:
        last_error = self.stats.last_error
        reason = f"; its last error: {last_error}" if last_error else ""
        return SourceTimedOut(f"the source gave no frame within {timeout_s:g} s{reason}")

    def _run(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            if not self._wanted.wait(_SLICE_S):
                continue
            opened_s = self._clock()
            try:
                self._run_once()
                self._call_since_s = None
                if not self._source.is_finite and not self._stop.is_set():
                    continue  # held: a live source has no other end
                self._handover.end()
                return
            except SourceFailed as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - the supervisor: nothing may end capture unseen
                _log.exception("source broke unexpectedly")
                failure = SourceFailed(f"the source broke: {type(error).__name__}: {error}")
            self._call_since_s = None
            self._is_opening = False
            if self._source.is_finite:
                self._count(last_error=str(failure))
                self._handover.end(failure)
                return
            if self._was_healthy(opened_s):
                attempt = 0
            delay_s = restart_delay_s(self._policy, attempt, self._chance())
            attempt += 1
            self._has_timed_out = isinstance(failure, SourceTimedOut)
            self._count(restarts=1, last_error=str(failure))
            _log.warning("source restarts", reason=str(failure), delay_s=round(delay_s, 2))
            if not self._stop.is_set():
                self._wake.wait(delay_s)
                self._wake.clear()

    def _was_healthy(self, opened_s: float) -> bool:
        newest_s = self.stats.newest_at_s
        return newest_s is not None and newest_s - opened_s >= self._policy.healthy_s

    @property
    def _is_reopening(self) -> bool:
        """Whether somebody has asked for a live source to be opened again."""
        return self._wake.is_set() and not (self._source.is_finite or self._stop.is_set())

    @property
    def _is_left(self) -> bool:
        """Whether a live source was closed because nobody wants it now."""
        return not (self._source.is_finite or self._wanted.is_set() or self._stop.is_set())

    def _run_once(self) -> None:
        """From opening to the end of a finite source, or until told to stop or hold."""
        self._call_since_s = self._clock()
        self._is_opening = True
        with self._source as source:
            self._is_opening = False
            self._wake.clear()
            first: Frame | None = None
            begun_s = 0.0
            in_force: CameraControls | None = None
            while not self._stop.is_set() and not self._is_left:
                if not self._wanted.wait(_SLICE_S):
                    continue
                if self._controls is not in_force:
                    in_force = self._controls
                    _control(source, in_force)
                frame = self._read(source)
                if frame is None:
                    return
                if first is None:
                    first, begun_s = frame, self._clock()
                    self._join_to_last(frame)
                self._call_since_s = None
                if self._plays_recording:
                    self._stop.wait(frame.at_s - first.at_s - (self._clock() - begun_s))
                if not self._hand_over(frame):
                    return

    @property
    def _plays_recording(self) -> bool:
        return self._source.is_finite and not self._lossless

    def _read(self, source: FrameSource) -> Frame | None:
        """One frame, waited for in slices so that a stop is noticed; None also when stopped."""
        deadline_s = self._clock() + self._policy.read_timeout_s
        slice_s = min(_SLICE_S, self._policy.read_timeout_s)
        while not self._stop.is_set() and not self._is_left:
            self._call_since_s = self._clock()
            try:
                frame = source.read(slice_s)
            except SourceTimedOut as error:
                if self._is_reopening or self._clock() >= deadline_s:
                    raise SourceTimedOut(
                        f"gave no frame within {self._policy.read_timeout_s:g} s: {error}"
                    ) from error
                continue
            fault = picture_fault(frame.picture) if frame is not None else None
            if fault is not None:
                raise SourceFailed(f"gave {fault}; set another format on the camera")
            if frame is None and not source.is_finite:
                raise SourceFailed("a live source ended; it is to be opened again")
            return frame
        return None

    def _join_to_last(self, first: Frame) -> None:
        """After a restart, numbers and times go on where the last run stopped."""
        if self._last is None:
            return
        newest_s = self.stats.newest_at_s
        passed_s = self._clock() - newest_s if newest_s is not None else 0.0
        self._shift_number = self._last.number + 1 - first.number
        self._shift_s = self._last.at_s + max(passed_s, 0.001) - first.at_s

    def _hand_over(self, frame: Frame) -> bool:
        if self._shift_number or self._shift_s:
            frame = replace(
                frame, number=frame.number + self._shift_number, at_s=frame.at_s + self._shift_s
            )
        self._last = frame
        self._has_timed_out = False
        self._count(frames=1, newest_at_s=self._clock())
        return self._handover.put(frame)

    def _count(
        self,
        *,
        frames: int = 0,
        restarts: int = 0,
        last_error: str | None = None,
        newest_at_s: float | None = None,
    ) -> None:
        with self._lock:
            self._stats = replace(
                self._stats,
                frames=self._stats.frames + frames,
                restarts=self._stats.restarts + restarts,
                last_error=last_error or self._stats.last_error,
                newest_at_s=newest_at_s or self._stats.newest_at_s,
                is_lost=restarts > 0 or (self._stats.is_lost and not frames),
            )


def _control(source: FrameSource, controls: CameraControls | None) -> None:
    if controls is not None and isinstance(source, ControlledSource):
        source.control(controls)
