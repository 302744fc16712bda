"""A pipeline that hangs or keeps failing costs frames, never the watching."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.camera.frame import Frame
from agent.errors import FrameNotRead
from agent.pipeline.area import Area
from agent.pipeline.renewal import CHANGE_AGAIN_S, FAILURES, RenewedPipeline
from agent.pipeline.rules import RuleSettings
from agent.pipeline.sighting import PlateInView, Sighting
from agent.pipeline.statistics import PipelineStats
from vision.errors import ModelMissing
from vision.faces.choice import FaceModels
from vision.faces.embedding import FaceEmbedder
from vision.reading import FaceDetector

DEADLINE_S = 0.2


def _frame(number: int = 0) -> Frame:
    return Frame(
        picture=np.zeros((4, 4, 3), np.uint8),
        captured_at=datetime(2026, 1, 1, tzinfo=UTC),
        at_s=float(number),
        number=number,
    )


class ScriptedPipeline:
    """Does what it is told with each frame; remembers what it was asked."""

    model = "scripted"
    in_view: tuple[PlateInView, ...] = ()

    def __init__(self, *, hangs: threading.Event | None = None, fails: bool = False) -> None:
        self._hangs = hangs
        self._fails = fails
        self.frames: list[int] = []
        self.rules: RuleSettings | None = None
        self.faces: FaceDetector | None = None
        self.is_finished = False

    @property
    def stats(self) -> PipelineStats:
        return PipelineStats(
            frames=len(self.frames), gated_frames=0, reads=0, sightings=0, refused=0
        )

    def process(self, frame: Frame) -> Sequence[Sighting]:
        if self._hangs is not None:
            self._hangs.wait()
        if self._fails:
            raise ZeroDivisionError("a bug")
        self.frames.append(frame.number)
        return []

    def finish(self) -> Sequence[Sighting]:
        self.is_finished = True
        return []

    def adjust(self, *, rules: RuleSettings, area: Area) -> None:
        self.rules = rules

    def use_faces(
        self, detector: FaceDetector | None, embedder: FaceEmbedder | None = None
    ) -> None:
        self.faces = detector


class Makes:
    """Gives out pipelines one after the other, the last for ever; None cannot be made."""

    def __init__(self, *pipelines: ScriptedPipeline | None) -> None:
        self._coming = list(pipelines)
        self.made = 0

    def __call__(self) -> ScriptedPipeline:
        pipeline = self._coming.pop(0) if len(self._coming) > 1 else self._coming[0]
        self.made += 1
        if pipeline is None:
            raise ModelMissing("no such file: put it there")
        return pipeline


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Set at the end, so that no thread is left behind."""
    event = threading.Event()
    yield event
    event.set()


def _lose(pipeline: RenewedPipeline, times: int) -> None:
    for number in range(times):
        with pytest.raises(FrameNotRead):
            pipeline.process(_frame(number))


def test_a_frame_on_which_it_breaks_is_lost_and_counted_and_the_next_is_read() -> None:
    broken, makes = ScriptedPipeline(fails=True), Makes(ScriptedPipeline())
    pipeline = RenewedPipeline(broken, make=makes, deadline_s=5)
    _lose(pipeline, 3)
    assert (pipeline.failures, pipeline.failures_in_a_row, makes.made) == (3, 3, 0)
    assert "ZeroDivisionError: a bug" in (pipeline.last_error or "")
    pipeline.close()


def test_one_that_keeps_failing_is_settled_and_replaced() -> None:
    broken, fresh = ScriptedPipeline(fails=True), ScriptedPipeline()
    pipeline = RenewedPipeline(broken, make=Makes(fresh), deadline_s=5)
    _lose(pipeline, FAILURES)
    pipeline.process(_frame(99))
    assert broken.is_finished
    assert fresh.frames == [99]
    assert pipeline.ladder.restarted == 1
    assert pipeline.failures_in_a_row == 0
    pipeline.close()


def test_one_that_hangs_is_left_behind_and_replaced(release: threading.Event) -> None:
    fresh = ScriptedPipeline()
    pipeline = RenewedPipeline(
        ScriptedPipeline(hangs=release), make=Makes(fresh), deadline_s=DEADLINE_S
    )
    with pytest.raises(FrameNotRead, match="hangs"):
        pipeline.process(_frame(1))
    pipeline.process(_frame(2))
    assert fresh.frames == [2]
    assert pipeline.busy_s() is None
    pipeline.close()


def test_where_the_next_one_hangs_too_it_is_given_up(release: threading.Event) -> None:
    pipeline = RenewedPipeline(
        ScriptedPipeline(hangs=release),
        make=Makes(ScriptedPipeline(hangs=release)),
        deadline_s=DEADLINE_S,
    )
    while not pipeline.ladder.is_given_up:
        _lose(pipeline, 1)
    assert pipeline.ladder.restarted == 1
    assert (pipeline.busy_s() or 0) > 0
    release.set()
    pipeline.process(_frame(7))
    assert not pipeline.ladder.is_given_up
    pipeline.close()


def test_models_that_cannot_be_loaded_are_tried_again(release: threading.Event) -> None:
    fresh = ScriptedPipeline()
    makes = Makes(None, fresh)
    pipeline = RenewedPipeline(ScriptedPipeline(hangs=release), make=makes, deadline_s=DEADLINE_S)
    while not fresh.frames:
        try:
            pipeline.process(_frame(3))
        except FrameNotRead:
            continue
    assert makes.made == 2
    pipeline.close()


def test_what_was_changed_while_it_ran_is_changed_in_the_next_one_too() -> None:
    first, second = ScriptedPipeline(), ScriptedPipeline()
    first_fails = ScriptedPipeline(fails=True)
    pipeline = RenewedPipeline(first_fails, make=Makes(second), deadline_s=5)
    rules = RuleSettings()
    pipeline.adjust(rules=rules, area=Area())
    _lose(pipeline, FAILURES)
    pipeline.process(_frame(1))
    assert first.rules is None
    assert first_fails.rules is rules
    assert second.rules is rules
    pipeline.close()


def test_faces_that_cannot_be_loaded_again_cost_no_frame_and_are_tried_again() -> None:
    now_s = 0.0
    detector = object()
    coming = [ModelMissing("no such file"), FaceModels(detector=detector, embedder=None)]  # type: ignore[arg-type]

    def load() -> FaceModels:
        found = coming.pop(0)
        if isinstance(found, ModelMissing):
            raise found
        return found

    scripted = ScriptedPipeline()
    pipeline = RenewedPipeline(
        scripted, make=Makes(ScriptedPipeline()), deadline_s=5, clock=lambda: now_s
    )
    rules = RuleSettings()
    pipeline.use_faces(load)
    pipeline.adjust(rules=rules, area=Area())
    pipeline.process(_frame(1))
    assert pipeline.change_error == "faces: no such file"
    assert scripted.rules is rules
    pipeline.process(_frame(2))  # at once would be in vain, and cost time in every frame
    assert scripted.faces is None
    now_s = CHANGE_AGAIN_S
    pipeline.process(_frame(3))
    assert scripted.faces is detector
    assert pipeline.change_error is None
    assert (scripted.frames, pipeline.failures, coming) == ([1, 2, 3], 0, [])
    pipeline.close()


def test_where_somebody_waits_for_the_outcome_nothing_is_replaced() -> None:
    makes = Makes(ScriptedPipeline())
    pipeline = RenewedPipeline(
        ScriptedPipeline(fails=True), make=makes, deadline_s=5, may_renew=False
    )
    _lose(pipeline, FAILURES + 5)
    assert makes.made == 0
    pipeline.close()
