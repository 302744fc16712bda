"""Stands around the pipeline: shows its newest frame to whoever looks, and pauses the reading."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from agent.camera.frame import Frame
from agent.pipeline.sighting import PlateInView, Sighting


class SightingSource(Protocol):
    """What gives sightings for frames; used by one thread."""

    def process(self, frame: Frame) -> Sequence[Sighting]: ...

    def finish(self) -> Sequence[Sighting]: ...


class LivePipeline:
    """The pipeline, used by the watching thread; `newest`, `pause` and `resume` by any.

    `in_view` tells, after each frame and in the same thread, which plates pass.
    While it is paused frames are shown and not looked at; what was in view then is settled.
    """

    def __init__(
        self, pipeline: SightingSource, *, in_view: Callable[[], tuple[PlateInView, ...]]
    ) -> None:
        self._pipeline = pipeline
        self._in_view = in_view
        self._reads = threading.Event()
        self._reads.set()
        self._is_settled = True
        self._newest: tuple[Frame, tuple[PlateInView, ...]] | None = None

    @property
    def is_reading(self) -> bool:
        return self._reads.is_set()

    def newest(self) -> tuple[Frame, Sequence[PlateInView]] | None:
        """The frame that was looked at last and the plates in it; None before the first."""
        return self._newest

    @property
    def passing(self) -> int:
        """Plates in view now."""
        return len(self._newest[1]) if self._newest else 0

    def pause(self) -> None:
        self._reads.clear()

    def resume(self) -> None:
        self._reads.set()

    def process(self, frame: Frame) -> Sequence[Sighting]:
        if not self._reads.is_set():
            settled = () if self._is_settled else self._pipeline.finish()
            self._is_settled = True
            self._newest = (frame, ())
            return settled
        self._is_settled = False
        plates: tuple[PlateInView, ...] = ()
        try:
            sightings = self._pipeline.process(frame)
            plates = self._in_view()
        finally:
            self._newest = (frame, plates)  # also one that could not be read
        return sightings

    def finish(self) -> Sequence[Sighting]:
        return self._pipeline.finish()
