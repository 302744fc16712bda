"""The one loop that looks: frames from the camera, through the pipeline, into the outbox.

Blocking, runs in a thread of its own; joins three parts that do not know each other.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog

from agent.camera.errors import SourceTimedOut
from agent.camera.frame import Frame
from agent.errors import FrameNotRead, RecordingFailed
from agent.pipeline.sighting import PlateSighting, Sighting
from telemetry.distribution import SHARES, Distribution
from telemetry.face_level import level_of
from telemetry.tracing import NS, RowTracer, trace_context_of, wall_ns
from vision.errors import ModelFailed

POLL_S: Final = 0.5
LATEST_SIGHTINGS: Final = 8
RATE_WINDOW_S: Final = 5.0
HELD_SIGHTINGS: Final = 32
"""Sightings that could not be made durable (disk full) wait here, each with a whole frame."""
RETRY_FIRST_S: Final = 1.0
RETRY_MOST_S: Final = 15.0
"""Between two attempts to store what is held: looking goes on meanwhile."""
MODEL_FAILURES: Final = 20
"""So many frames in a row that could not be read end a run that somebody waits for."""

PLATE: Final = "plate"
FACE: Final = "face"
KINDS: Final = (PLATE, FACE)

log = structlog.get_logger(__name__)


class Frames(Protocol):
    """Where frames come from; a live source is reopened behind it."""

    def next(self, timeout_s: float) -> Frame | None:
        """The next frame; None once a finite source has ended or was closed.

        Raises `SourceTimedOut` when none came in time, `SourceFailed` when a finite source broke.
        """


class FramePipeline(Protocol):
    """Frames in, sightings out."""

    def process(self, frame: Frame) -> Sequence[Sighting]: ...

    def finish(self) -> Sequence[Sighting]:
        """What was still in view; nothing is held back after it."""


class Recorded(Protocol):
    """A sighting that is durable, by the id that it keeps for ever."""

    @property
    def message_id(self) -> str: ...


class SightingRecorder(Protocol):
    """Makes a sighting durable before it returns; raises RecordingFailed where it cannot."""

    def record(self, sighting: Sighting) -> Recorded: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestSighting:
    """What the status shows of a sighting; `confidence` is 0..1."""

    what: str
    confidence: float
    captured_at: datetime


class Watcher:
    """Runs until told to stop or the source has ended. Counters may be read from any thread."""

    def __init__(
        self,
        *,
        frames: Frames,
        pipeline: FramePipeline,
        recorder: SightingRecorder,
        retry_first_s: float = RETRY_FIRST_S,
        goes_on: bool = False,
        tracer: RowTracer | None = None,
    ) -> None:
        """`goes_on`: whatever number of frames cannot be read, for the pipeline is mended. `tracer`
        tells how each sighting came about."""
        self._frames = frames
        self._pipeline = pipeline
        self._recorder = recorder
        self._stop = threading.Event()
        self._frame_times: deque[float] = deque(maxlen=512)
        self._held: deque[Sighting] = deque()
        self._retry_at_s = 0.0
        self._retry_first_s = retry_first_s
        self._retry_delay_s = retry_first_s
        self._model_failures = 0
        self._goes_on = goes_on
        self._tracer = tracer
        self.latest: deque[LatestSighting] = deque(maxlen=LATEST_SIGHTINGS)
        self.frames_processed = 0
        self.sightings = 0
        self.confidence = {kind: Distribution(SHARES) for kind in KINDS}
        self.face_levels: Counter[str] = Counter()
        self.sightings_lost = 0
        self.has_ended = False
        self._started_s = time.monotonic()
        self._turned_at_s = self._started_s

    def stop(self) -> None:
        """Finishes the frame in hand and then what is in view. Safe from any thread."""
        self._stop.set()

    def run(self) -> None:
        """The loop. Raises SourceFailed, ModelFailed, FrameNotRead where it cannot go on."""
        try:
            while not self._stop.is_set():
                self._turned_at_s = time.monotonic()
                try:
                    frame = self._frames.next(POLL_S)
                except SourceTimedOut:
                    self._record_held()
                    continue
                if frame is None:
                    break
                self._look(frame)
        finally:
            self.has_ended = True
            self._finish()
            self._store_held()
            self._give_up(len(self._held))

    @property
    def held(self) -> int:
        """Sightings that wait to be made durable, at most `HELD_SIGHTINGS`."""
        return len(self._held)

    def watched_s(self) -> float:
        """Seconds since this was made."""
        return time.monotonic() - self._started_s

    def still_s(self) -> float:
        """Seconds since the loop last came round, with a frame or without; 0 once it has ended."""
        return 0.0 if self.has_ended else time.monotonic() - self._turned_at_s

    def frames_per_s(self) -> float:
        """Frames looked at in the last few seconds, by the second."""
        since_s = time.monotonic() - RATE_WINDOW_S
        recent = [moment for moment in tuple(self._frame_times) if moment >= since_s]
        return len(recent) / RATE_WINDOW_S

    def _look(self, frame: Frame) -> None:
        try:
            self._hold(self._pipeline.process(frame))
            self._model_failures = 0
        except (ModelFailed, FrameNotRead) as error:
            self._model_failures += 1
            log.error("a frame could not be read", error=str(error))
            if self._model_failures >= MODEL_FAILURES and not self._goes_on:
                raise
        self.frames_processed += 1
        self._frame_times.append(time.monotonic())
        self._record_held()

    def _finish(self) -> None:
        try:
            self._hold(self._pipeline.finish())
        except (ModelFailed, FrameNotRead) as error:
            log.error("what was in view at the end is lost", error=str(error))

    def _hold(self, sightings: Sequence[Sighting]) -> None:
        self._held.extend(sightings)
        excess = len(self._held) - HELD_SIGHTINGS
        for _ in range(excess):
            self._held.popleft()
        self._give_up(max(0, excess))

    def _record_held(self) -> None:
        """In their order; at the first that cannot be made durable, the rest waits a while."""
        if self._held and time.monotonic() >= self._retry_at_s:
            self._store_held()

    def _store_held(self) -> None:
        while self._held:
            sighting = self._held[0]
            began_s = time.monotonic()
            try:
                recorded = self._recorder.record(sighting)
            except RecordingFailed as error:
                log.error("sighting not stored yet", held=len(self._held), error=str(error))
                self._retry_at_s = time.monotonic() + self._retry_delay_s
                self._retry_delay_s = min(2 * self._retry_delay_s, RETRY_MOST_S)
                return
            self._retry_delay_s = self._retry_first_s
            self._held.popleft()
            self._count(sighting, recorded.message_id)
            if self._tracer is not None:
                _trace(self._tracer, sighting, recorded.message_id, began_s)

    def _count(self, sighting: Sighting, event_id: str) -> None:
        self.sightings += 1
        if isinstance(sighting, PlateSighting):
            kind, what = PLATE, sighting.plate
        else:
            kind = what = FACE
            self.face_levels[level_of(sighting.confidence)] += 1
        self.confidence[kind].add(sighting.confidence)
        self.latest.appendleft(
            LatestSighting(
                what=what, confidence=sighting.confidence, captured_at=sighting.captured_at
            )
        )
        log.info(
            "sighting stored",
            what=what,
            confidence=round(sighting.confidence, 3),
            event_id=event_id,
        )

    def _give_up(self, count: int) -> None:
        if count:
            self.sightings_lost += count
            log.error("sightings lost: they could not be stored", count=count)


def _trace(tracer: RowTracer, sighting: Sighting, event_id: str, began_s: float) -> None:
    """From the exposure of its picture to the row on disk, and of that the writing."""
    kind = PLATE if isinstance(sighting, PlateSighting) else FACE
    facts = {"row.id": event_id, "sighting.kind": kind, "confidence": sighting.confidence}
    captured_ns, ended_ns = int(sighting.captured_at.timestamp() * NS), wall_ns(time.monotonic())
    tracer.first(event_id, "sighting", captured_ns, ended_ns, facts)
    context = trace_context_of(event_id)
    if context is not None:
        tracer.child(context, "record", wall_ns(began_s), ended_ns, {})
