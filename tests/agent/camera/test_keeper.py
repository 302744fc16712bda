"""A camera that gives nothing is opened again, then built anew, and only given up if it hangs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from agent.camera.backoff import RestartPolicy
from agent.camera.capture import CaptureSource
from agent.camera.capture_thread import CaptureThread
from agent.camera.errors import SourceTimedOut
from agent.camera.keeper import CameraKeeper
from agent.camera.source import FrameSource
from agent.camera.uri import parse_source
from tests.fakes.sources import FakeCapture, FakeSource, Step

DEADLINE_S = 0.15
POLICY = RestartPolicy(first_s=0.01, longest_s=0.02, read_timeout_s=DEADLINE_S / 3)


class Sources:
    """Gives out sources one after the other, the last one for ever."""

    def __init__(self, *sources: FrameSource) -> None:
        self._coming = list(sources)
        self.given = 0

    def capture(self) -> CaptureThread:
        source = self._coming.pop(0) if len(self._coming) > 1 else self._coming[0]
        self.given += 1
        return CaptureThread(source, lossless=source.is_finite, policy=POLICY)


def _wait_until_frame(keeper: CameraKeeper) -> int:
    """Waits for the next frame; the value of its pixels."""
    while True:
        try:
            frame = keeper.next(0.02)
        except SourceTimedOut:
            continue
        assert frame is not None
        return int(frame.picture[0, 0, 0])


def said_to_be_back(logs: Sequence[Mapping[str, Any]]) -> int:
    return sum(each["event"] == "the camera gives frames again" for each in logs)


def test_a_source_that_recovers_when_opened_again_needs_no_more() -> None:
    source = FakeSource([Step.FRAME, Step.HANG], [Step.FRAME, Step.HANG], is_finite=False)
    sources = Sources(source)
    with CameraKeeper(sources.capture, deadline_s=30) as keeper, capture_logs() as logs:
        assert _wait_until_frame(keeper) == 1
        assert said_to_be_back(logs) == 0
        assert _wait_until_frame(keeper) == 2
        assert keeper.stats.restarts >= 1
        assert said_to_be_back(logs) == 1
    assert sources.given == 1


def test_a_camera_stopped_while_it_is_built_anew_stays_stopped() -> None:
    stuck = FakeSource([Step.FRAME, Step.STUCK], is_finite=False)
    fresh = FakeSource([Step.FRAME, Step.HANG], is_finite=False)
    sources = Sources(stuck, fresh)
    keepers: list[CameraKeeper] = []

    def make() -> CaptureThread:
        for keeper in keepers:
            keeper.hold()
        return sources.capture()

    with CameraKeeper(make, deadline_s=DEADLINE_S) as keeper:
        _wait_until_frame(keeper)
        keepers.append(keeper)
        while sources.given == 1:
            with pytest.raises(SourceTimedOut):
                keeper.next(0.02)
        assert keeper.stats.is_held
        with pytest.raises(SourceTimedOut):
            keeper.next(0.3)
        keeper.resume()
        assert _wait_until_frame(keeper) == 1


def test_a_capture_thread_that_is_stuck_is_left_behind_for_another_one() -> None:
    stuck = FakeSource([Step.FRAME, Step.STUCK], is_finite=False)
    fresh = FakeSource([Step.FRAME, Step.HANG], is_finite=False)
    sources = Sources(stuck, fresh)
    with CameraKeeper(sources.capture, deadline_s=DEADLINE_S) as keeper, capture_logs() as logs:
        _wait_until_frame(keeper)
        before = keeper.stats.frames
        _wait_until_frame(keeper)
        assert keeper.stats.frames > before
        assert said_to_be_back(logs) == 1
        assert keeper.ladder.restarted == 1
    assert sources.given == 2
    stuck.release()


def test_errors_alone_never_give_a_camera_up() -> None:
    sources = Sources(FakeSource([Step.FAIL], is_finite=False))
    with CameraKeeper(sources.capture, deadline_s=DEADLINE_S) as keeper:
        while keeper.ladder.restarted < 2:
            with pytest.raises(SourceTimedOut):
                keeper.next(0.01)
        assert not keeper.ladder.is_given_up
    assert sources.given == 3


def test_one_that_hangs_again_after_all_that_is_given_up_and_comes_back_with_a_frame() -> None:
    first = FakeSource([Step.HANG], is_finite=False)
    second = FakeSource(*([[Step.HANG]] * 12), [Step.FRAME, Step.HANG], is_finite=False)
    sources = Sources(first, second)
    with CameraKeeper(sources.capture, deadline_s=DEADLINE_S) as keeper:
        while not keeper.ladder.is_given_up:
            with pytest.raises(SourceTimedOut):
                keeper.next(0.01)
        _wait_until_frame(keeper)
        assert not keeper.ladder.is_given_up
        assert keeper.ladder.given_up == 1


def test_a_camera_that_an_operator_holds_is_left_alone() -> None:
    sources = Sources(FakeSource([Step.FRAME, Step.HANG], is_finite=False))
    with CameraKeeper(sources.capture, deadline_s=DEADLINE_S) as keeper:
        _wait_until_frame(keeper)
        keeper.hold()
        while keeper.silent_s() < 4 * DEADLINE_S:
            with pytest.raises(SourceTimedOut):
                keeper.next(0.02)
        assert keeper.ladder.restarted == 0
        assert keeper.stats.is_held
        keeper.resume()
        _wait_until_frame(keeper)


def test_a_clip_whose_file_hangs_is_waited_for_and_goes_on_where_it_was(clip: object) -> None:
    capture = FakeCapture(3, then=Step.STUCK)
    uri = parse_source(f"file:{clip}")
    patient = RestartPolicy(read_timeout_s=60)

    def make() -> CaptureThread:
        source = CaptureSource(uri, opener=lambda: capture)
        return CaptureThread(source, lossless=True, policy=patient)

    with CameraKeeper(make, deadline_s=DEADLINE_S) as keeper:
        seen = [keeper.next(5.0) for _ in range(3)]
        assert [frame.number for frame in seen if frame] == [0, 1, 2]
        while keeper.silent_s() < 2 * DEADLINE_S:
            with pytest.raises(SourceTimedOut):
                keeper.next(0.02)
        capture.give(2)
        assert [frame.number for frame in (keeper.next(5.0), keeper.next(5.0)) if frame] == [3, 4]
        assert keeper.ladder.restarted <= 1  # noted, but a clip is never begun again
        assert keeper.stats.restarts == 0
