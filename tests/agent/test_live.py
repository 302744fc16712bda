"""The pipeline as it is seen and paused from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from agent.camera.frame import Frame
from agent.live import LivePipeline
from agent.pipeline.sighting import PlateInView, Sighting
from tests.agent.outbox.sightings import plate
from vision.geometry import Box

SEEN = PlateInView(text="AB1234", confidence=0.9, box=Box(x1=0, y1=0, x2=8, y2=4), is_sure=True)


class Passing:
    """A pipeline with one plate always in view, settled when it is told to finish."""

    def __init__(self) -> None:
        self.processed = 0
        self.finished = 0

    def process(self, frame: Frame) -> Sequence[Sighting]:
        self.processed += 1
        return ()

    def finish(self) -> Sequence[Sighting]:
        self.finished += 1
        return (plate("AB1234"),)


def _frame(number: int) -> Frame:
    picture = np.zeros((16, 16, 3), np.uint8)
    return Frame(picture=picture, captured_at=datetime.now(UTC), at_s=float(number), number=number)


def test_the_newest_frame_is_shown_with_what_is_in_view() -> None:
    live = LivePipeline(Passing(), in_view=lambda: (SEEN,))
    assert live.newest() is None
    frame = _frame(0)
    live.process(frame)
    assert live.newest() == (frame, (SEEN,))


def test_a_pause_settles_what_was_in_view_once_and_goes_on_showing() -> None:
    pipeline = Passing()
    live = LivePipeline(pipeline, in_view=lambda: (SEEN,))
    live.process(_frame(0))
    live.pause()
    last = _frame(2)
    settled = [live.process(frame) for frame in (_frame(1), last)]
    assert [len(sightings) for sightings in settled] == [1, 0]
    assert live.newest() == (last, ())
    assert (pipeline.processed, pipeline.finished, live.is_reading) == (1, 1, False)
    live.resume()
    live.process(_frame(3))
    assert pipeline.processed == 2
