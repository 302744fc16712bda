"""Keeps a pipeline going: runs it where it may hang, and builds another one where that may help."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, Protocol

import structlog

from agent.camera.frame import Frame
from agent.driver_thread import DriverThread
from agent.errors import FrameNotRead
from agent.pipeline.area import Area
from agent.pipeline.rules import RuleSettings
from agent.pipeline.sighting import PlateInView, Sighting
from agent.pipeline.statistics import PipelineStats
from agent.recovery import PIPELINE, Action, Ladder, Patience, Signal, climb
from vision.faces.choice import FaceModels
from vision.faces.embedding import FaceEmbedder
from vision.performance import Performance
from vision.reading import FaceDetector

FAILURES: Final = 20
"""So many frames in a row that could not be read are more than bad luck."""
LOADING_DEADLINES: Final = 2
"""Loading models from a slow card takes longer than reading a frame: so many deadlines."""
CHANGE_AGAIN_S: Final = 30.0
"""A change that failed is tried again after so long."""
_FINISH_S: Final = 1.0

log = structlog.get_logger(__name__)


class RunningPipeline(Protocol):
    """What is asked of a pipeline; see `agent.pipeline.runner.Pipeline`."""

    def process(self, frame: Frame) -> Sequence[Sighting]: ...

    def finish(self) -> Sequence[Sighting]: ...

    @property
    def model(self) -> str:
        """Name and version of the plate reader's models."""

    @property
    def stats(self) -> PipelineStats: ...

    @property
    def performance(self) -> Performance: ...

    @property
    def in_view(self) -> tuple[PlateInView, ...]: ...

    def adjust(self, *, rules: RuleSettings, area: Area) -> None: ...

    def use_faces(
        self, detector: FaceDetector | None, embedder: FaceEmbedder | None = None
    ) -> None: ...


Change = Callable[[RunningPipeline], None]


class RenewedPipeline:
    """A pipeline on a thread of its own, used by one thread.

    A frame that takes longer than `deadline_s` or ends in an error is lost, raised as FrameNotRead
    and counted. A pipeline that hangs, or fails `FAILURES` times in a row, is left behind and
    another one made; not where `may_renew` is False: then a person waits for the outcome.
    """

    def __init__(
        self,
        pipeline: RunningPipeline,
        *,
        make: Callable[[], RunningPipeline],
        deadline_s: float,
        may_renew: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.deadline_s = deadline_s
        self._make = make
        self._may_renew = may_renew
        self._clock = clock
        self._patience = Patience(first_s=0.0, next_s=deadline_s)
        self._current = pipeline
        self._thread = DriverThread("pipeline")
        self._loading: Future[RunningPipeline] | None = None
        self._reading: Future[Sequence[Sighting]] | None = None
        self._left: list[Sighting] = []
        self._changes: dict[str, Change] = {}
        self._due: dict[str, Change] = {}
        self._changing = threading.Lock()
        self._change_again_at_s = 0.0
        self.change_error: str | None = None
        self._busy_since_s: float | None = None
        self._worked_at_s = clock()
        self._ladder = Ladder()
        self.failures = 0
        self.failures_in_a_row = 0
        self.last_error: str | None = None

    @property
    def ladder(self) -> Ladder:
        return self._ladder

    def busy_s(self) -> float | None:
        """How long the frame in hand is being read; None while there is none."""
        since_s = self._busy_since_s
        return None if since_s is None else self._clock() - since_s

    @property
    def model(self) -> str:
        return self._current.model

    @property
    def stats(self) -> PipelineStats:
        """Of the pipeline in use: the counts begin anew with each."""
        return self._current.stats

    @property
    def performance(self) -> Performance:
        """Likewise."""
        return self._current.performance

    @property
    def in_view(self) -> tuple[PlateInView, ...]:
        """The plates that pass now."""
        return self._current.in_view

    def adjust(self, *, rules: RuleSettings, area: Area) -> None:
        """From the next frame on, and in every pipeline that follows. From any thread."""
        self._change("rules", lambda pipeline: pipeline.adjust(rules=rules, area=area))

    def use_faces(self, make: Callable[[], FaceModels] | None) -> None:
        """Looks for faces with what `make` loads, or no longer. As `adjust`."""

        def change(pipeline: RunningPipeline) -> None:
            models = make() if make is not None else None
            if models is None:
                pipeline.use_faces(None)
            else:
                pipeline.use_faces(models.detector, models.embedder)

        self._change("faces", change)

    def process(self, frame: Frame) -> Sequence[Sighting]:
        """The sightings that are complete with this frame; raises FrameNotRead."""
        self._busy_since_s = self._busy_since_s or self._clock()
        try:
            sightings = self._read(frame)
        except TimeoutError as error:
            self._lose(f"reading takes longer than {self.deadline_s:g} s", Signal.HANGING)
            raise FrameNotRead(f"frame {frame.number}: reading hangs") from error
        except Exception as error:  # the supervisor: no error of a model or ours ends the watching
            self._busy_since_s = None
            self._lose(f"{type(error).__name__}: {error}", Signal.FAILING)
            raise FrameNotRead(f"frame {frame.number}: {error}") from error
        self._busy_since_s = None
        self._worked_at_s = self._clock()
        self.failures_in_a_row = 0
        self._ladder, _ = self._climbed(Signal.WORKING)
        left, self._left = self._left, []
        return [*left, *sightings]

    def finish(self) -> Sequence[Sighting]:
        """What was still in view; raises FrameNotRead where that cannot be had."""
        left, self._left = self._left, []
        if self._reading is not None or self._loading is not None:
            return left
        try:
            return [*left, *self._thread.submit(self._current.finish).result(self.deadline_s)]
        except Exception as error:
            raise FrameNotRead(f"what was in view is lost: {error}") from error

    def close(self) -> None:
        """Ends the thread; one that hangs is left behind."""
        self._thread.finish(_FINISH_S)

    def _read(self, frame: Frame) -> Sequence[Sighting]:
        """Raises TimeoutError where the pipeline, or one before it that is loading, hangs."""
        if self._loading is not None:
            self._current = self._loading.result(self.deadline_s * LOADING_DEADLINES)
            self._loading = None
        if self._reading is None:
            current = self._current
            self._reading = self._thread.submit(lambda: self._changed(current).process(frame))
        sightings = self._reading.result(self.deadline_s)
        self._reading = None
        return sightings

    def _change(self, name: str, change: Change) -> None:
        with self._changing:
            self._changes[name] = change
            self._due[name] = change
            self._change_again_at_s = 0.0

    def _changed(self, pipeline: RunningPipeline) -> RunningPipeline:
        """With what is due. A change that fails, as one for which models cannot be loaded, costs
        no frame: it is tried again after a while."""
        with self._changing:
            due = dict(self._due) if self._clock() >= self._change_again_at_s else {}
        if not due:
            return pipeline
        errors = [self._tried(name, change, pipeline) for name, change in due.items()]
        self.change_error = next((error for error in errors if error is not None), None)
        return pipeline

    def _tried(self, name: str, change: Change, pipeline: RunningPipeline) -> str | None:
        """Why the change is not made; None where it is."""
        try:
            change(pipeline)
        except Exception as error:  # noqa: BLE001 - the supervisor: plates are read meanwhile
            log.error("a change is not in force yet", what=name, error=str(error))
            with self._changing:
                if self._due.get(name) is change:
                    self._change_again_at_s = self._clock() + CHANGE_AGAIN_S
            return f"{name}: {error}"
        with self._changing:
            if self._due.get(name) is change:
                del self._due[name]
        return None

    def _made(self) -> RunningPipeline:
        with self._changing:
            self._due = dict(self._changes)
            self._change_again_at_s = 0.0
        return self._changed(self._make())

    def _lose(self, reason: str, signal: Signal) -> None:
        if signal is Signal.FAILING:
            self._reading = None
        self.failures += 1
        self.failures_in_a_row += 1
        self.last_error = reason
        if signal is Signal.FAILING and self.failures_in_a_row < FAILURES and not self._loading:
            return
        if not self._may_renew:
            return
        self._ladder, action = self._climbed(signal)
        if action is not None:
            log.error(
                "frames cannot be read", severity="critical", action=action.value, reason=reason
            )
        if action is Action.RESTART:
            self._replace(is_hanging=signal is Signal.HANGING)

    def _climbed(self, signal: Signal) -> tuple[Ladder, Action | None]:
        now_s = self._clock()
        return climb(
            self._ladder,
            signal,
            silent_s=now_s - self._worked_at_s,
            now_s=now_s,
            patience=self._patience,
            table=PIPELINE,
        )

    def _replace(self, *, is_hanging: bool) -> None:
        """Loads another one; what the old one has in view is settled first, if it answers."""
        old = self._current
        if is_hanging:
            self._thread.leave()
            self._thread = DriverThread("pipeline")
        elif self._loading is None:
            try:
                self._left += self._thread.submit(old.finish).result(self.deadline_s)
            except Exception as error:  # noqa: BLE001 - the supervisor: it is replaced for its faults
                log.error("what was in view is lost", error=str(error))
        self._reading = None
        self._busy_since_s = None
        self._loading = self._thread.submit(self._made)
