"""The thread that keeps a source running: order, drops, restarts, and a prompt stop."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from itertools import pairwise

import pytest
import structlog

from agent.camera.backoff import RestartPolicy
from agent.camera.capture_thread import CaptureThread
from agent.camera.controls import CameraControls, Offer
from agent.camera.errors import SourceFailed, SourceTimedOut
from agent.camera.factory import open_source
from agent.camera.frame import Frame
from tests.fakes.sources import FakeSource, Step

QUICK = RestartPolicy(first_s=0.01, longest_s=0.02, read_timeout_s=0.05)


def _take_all(capture: CaptureThread) -> list[Frame]:
    frames = []
    while (frame := capture.next(10.0)) is not None:
        frames.append(frame)
    return frames


def _take(capture: CaptureThread, count: int) -> list[Frame]:
    frames = [capture.next(10.0) for _ in range(count)]
    return [frame for frame in frames if frame is not None]


def test_lossless_hands_over_every_frame_in_order_and_ends() -> None:
    source = FakeSource([Step.FRAME] * 40)
    with CaptureThread(source, lossless=True) as capture:
        assert [frame.number for frame in _take_all(capture)] == list(range(40))
        assert capture.next(1.0) is None
        stats = capture.stats
    assert (stats.frames, stats.dropped, stats.restarts, stats.last_error) == (40, 0, 0, None)
    assert stats.newest_at_s is not None


def test_a_synthetic_run_comes_through_whole() -> None:
    source = open_source("synthetic:?vehicles=1&width=320&height=180")
    with CaptureThread(source, lossless=True) as capture:
        frames = _take_all(capture)
        assert len(frames) == capture.total_frames


def test_a_live_source_drops_what_is_not_taken() -> None:
    source = FakeSource([Step.FRAME] * 20 + [Step.HANG], is_finite=False)
    policy = RestartPolicy(read_timeout_s=60.0)
    with CaptureThread(source, lossless=False, policy=policy) as capture:
        seen = [frame.number for frame in _take(capture, 1)]
        while seen[-1] != 19:
            seen += [frame.number for frame in _take(capture, 1)]
        assert seen == sorted(set(seen))
        assert capture.stats.dropped == 20 - len(seen)


def test_a_live_source_that_breaks_is_opened_again_and_counts_on() -> None:
    source = FakeSource(
        [Step.FRAME, Step.FAIL], [Step.FRAME, Step.HANG], [Step.FRAME, Step.BUG], is_finite=False
    )
    with (
        structlog.testing.capture_logs() as logs,
        CaptureThread(source, lossless=True, policy=QUICK) as capture,
    ):
        frames = _take(capture, 4)
        stats = capture.stats
    assert [frame.number for frame in frames] == [0, 1, 2, 3]
    assert all(a.at_s < b.at_s for a, b in pairwise(frames))
    assert [int(frame.picture[0, 0, 0]) for frame in frames] == [1, 2, 3, 4]
    assert stats.restarts >= 3
    assert source.opened >= 4
    reasons = [log["reason"] for log in logs if log["event"] == "source restarts"]
    assert "broke" in reasons[0]
    assert "no frame within 0.05 s" in reasons[1]
    assert "KeyError" in reasons[2]


def test_a_live_source_that_ends_is_opened_again() -> None:
    source = FakeSource([Step.FRAME], is_finite=False)
    with CaptureThread(source, lossless=True, policy=QUICK) as capture:
        assert len(_take(capture, 3)) == 3
        assert "live source ended" in (capture.stats.last_error or "")


def test_a_camera_that_cannot_be_opened_is_tried_again_and_says_why() -> None:
    with CaptureThread(open_source("picamera:0"), lossless=False, policy=QUICK) as capture:
        while capture.stats.restarts < 2:
            with pytest.raises(SourceTimedOut, match="no frame within"):
                capture.next(0.02)
        with pytest.raises(SourceTimedOut, match="last error: picamera:0"):
            capture.next(0.02)


def test_a_finite_source_that_breaks_ends_with_its_error_and_is_not_begun_again() -> None:
    source = FakeSource([Step.FRAME, Step.FRAME, Step.FAIL])
    with CaptureThread(source, lossless=True, policy=QUICK) as capture:
        assert len(_take(capture, 2)) == 2
        with pytest.raises(SourceFailed, match="broke"):
            capture.next(5.0)
        assert capture.stats.restarts == 0
        assert "broke" in (capture.stats.last_error or "")
    assert source.opened == 1


def test_a_clip_without_until_end_plays_at_the_speed_of_its_recording() -> None:
    source = FakeSource([Step.FRAME] * 3)
    begun_s = time.monotonic()
    with CaptureThread(source, lossless=False) as capture:
        frames = _take_all(capture)
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert time.monotonic() - begun_s >= 2.0


@pytest.mark.parametrize("step", [Step.HANG, Step.STUCK])
def test_closing_takes_less_than_two_seconds_whatever_the_source_does(step: Step) -> None:
    source = FakeSource([Step.FRAME, step], is_finite=False)
    capture = CaptureThread(source, lossless=False)
    capture.start()
    assert capture.next(5.0) is not None
    begun_s = time.monotonic()
    with structlog.testing.capture_logs() as logs:
        capture.close()
    assert time.monotonic() - begun_s < 2.0
    assert [log["event"] for log in logs] == (
        ["source hangs and is left behind"] if step is Step.STUCK else []
    )
    assert capture.next(0.1) is None
    capture.close()
    source.release()


def test_closing_frees_a_source_that_waits_for_its_reader() -> None:
    capture = CaptureThread(FakeSource([Step.FRAME] * 100), lossless=True)
    capture.start()
    assert capture.next(5.0) is not None
    begun_s = time.monotonic()
    capture.close()
    assert time.monotonic() - begun_s < 1.0


def test_a_live_source_that_is_held_is_closed_and_opened_again_when_wanted() -> None:
    source = FakeSource([Step.FRAME, Step.HANG], [Step.FRAME, Step.HANG], is_finite=False)
    policy = RestartPolicy(read_timeout_s=60.0)
    with CaptureThread(source, lossless=False, policy=policy) as capture:
        first = _take(capture, 1)
        capture.hold()
        while source.closed < 1:
            with pytest.raises(SourceTimedOut):
                capture.next(0.02)
        assert capture.stats.is_held
        capture.resume()
        second = _take(capture, 1)
        stats = capture.stats
    assert [frame.number for frame in (*first, *second)] == [0, 1]
    assert (stats.restarts, stats.last_error, stats.is_held) == (0, None, False)


def test_a_clip_that_is_held_goes_on_where_it_was() -> None:
    source = FakeSource([Step.FRAME] * 12)
    with CaptureThread(source, lossless=True) as capture:
        first = _take(capture, 1)
        capture.hold()
        capture.resume()
        rest = _take_all(capture)
    assert [frame.number for frame in (*first, *rest)] == list(range(12))
    assert source.opened == 1


def test_a_held_source_can_be_closed() -> None:
    source = FakeSource([Step.FRAME, Step.HANG], is_finite=False)
    with CaptureThread(source, lossless=False) as capture:
        capture.hold()
    assert capture.next(1.0) is None


class ControlledFake(FakeSource):
    """A fake that notes what is set on it."""

    def __init__(self, *runs: list[Step]) -> None:
        super().__init__(*runs, is_finite=False)
        self.seen: list[CameraControls] = []

    @property
    def offer(self) -> Offer:
        return Offer(fields=frozenset({"brightness"}))

    def control(self, controls: CameraControls) -> None:
        assert self.opened > self.closed, "set while it is not open"
        self.seen.append(controls)


def test_controls_are_set_now_and_again_when_the_source_is_opened_anew() -> None:
    source = ControlledFake([Step.FRAME, Step.FAIL], [Step.FRAME, Step.HANG])
    controls = CameraControls(brightness=0.2)
    capture = CaptureThread(source, lossless=True, policy=QUICK)
    capture.control(controls)
    assert capture.offer == source.offer
    with capture:
        _take(capture, 2)
        changed = CameraControls(brightness=0.4)
        capture.control(changed)
        while source.seen[-1] is not changed:
            with contextlib.suppress(SourceTimedOut):
                capture.next(0.02)
    assert source.seen[0] is controls
    assert source.seen[1] is controls


def _delays(source: FakeSource, *, healthy_s: float, restarts: int) -> list[float]:
    """What the thread waits before each restart, with no chance in it."""
    policy = RestartPolicy(first_s=0.01, longest_s=0.04, healthy_s=healthy_s, read_timeout_s=5.0)
    with (
        structlog.testing.capture_logs() as logs,
        CaptureThread(source, lossless=True, policy=policy, chance=lambda: 1.0) as capture,
    ):
        while capture.stats.restarts < restarts:
            with contextlib.suppress(SourceTimedOut):
                capture.next(0.02)
    said = [log["delay_s"] for log in logs if log["event"] == "source restarts"]
    return [float(delay_s) for delay_s in said[:restarts]]


def test_a_source_that_ran_well_for_a_while_is_restarted_as_soon_as_at_first() -> None:
    source = FakeSource([Step.FRAME, Step.FAIL], is_finite=False)
    delays = _delays(source, healthy_s=0.0, restarts=4)
    assert len(set(delays)) == 1


def test_a_source_that_breaks_soon_is_restarted_later_and_later() -> None:
    source = FakeSource([Step.FRAME, Step.FAIL], is_finite=False)
    delays = _delays(source, healthy_s=60.0, restarts=4)
    assert delays[0] < delays[1] < delays[2] == delays[3]


def test_frames_of_an_earlier_run_do_not_make_this_one_a_good_one() -> None:
    source = FakeSource([Step.FRAME, Step.FAIL], [Step.FAIL], is_finite=False)
    delays = _delays(source, healthy_s=0.0, restarts=4)
    assert delays[0] < delays[1] < delays[2]


def test_a_source_that_gives_no_picture_is_restarted_with_what_was_wrong() -> None:
    class Grey(FakeSource):
        def read(self, timeout_s: float) -> Frame | None:
            frame = super().read(timeout_s)
            return frame and replace(frame, picture=frame.picture[..., 0])

    source = Grey([Step.FRAME], is_finite=False)
    with CaptureThread(source, lossless=True, policy=QUICK) as capture:
        while capture.stats.restarts < 1:
            with contextlib.suppress(SourceTimedOut):
                capture.next(0.02)
        assert "expected (height, width, 3)" in (capture.stats.last_error or "")
