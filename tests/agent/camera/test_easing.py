"""Fewer and smaller frames on request, and none of it without."""

from __future__ import annotations

import pytest

from agent.camera.easing import Ease, EasedFrames, scaled
from agent.camera.errors import SourceTimedOut
from agent.camera.factory import open_source
from agent.camera.frame import Frame

ROAD = "synthetic:?vehicles=1&width=640&height=360&fps=10"


class Read:
    """Frames straight from a source."""

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = iter(frames)

    def next(self, timeout_s: float) -> Frame | None:
        return next(self._frames, None)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    with open_source(ROAD) as source:
        read = [source.read(1.0) for _ in range(12)]
    return [frame for frame in read if frame is not None]


def _numbers(eased: EasedFrames) -> list[int]:
    numbers = []
    while (frame := eased.next(60.0)) is not None:
        numbers.append(frame.number)
    return numbers


def test_without_ease_every_frame_comes_as_it_is(frames: list[Frame]) -> None:
    eased = EasedFrames(Read(frames))
    assert eased.next(1.0) is frames[0]
    assert _numbers(eased) == list(range(1, 12))
    assert eased.left_out == 0


def test_frames_nearer_than_the_interval_are_left_out_and_counted(frames: list[Frame]) -> None:
    eased = EasedFrames(Read(frames))
    eased.ease(Ease(interval_s=0.25))
    assert _numbers(eased) == [0, 3, 6, 9]
    assert eased.left_out == 8


def test_leaving_out_takes_no_longer_than_the_time_given(frames: list[Frame]) -> None:
    eased = EasedFrames(Read(frames))
    eased.ease(Ease(interval_s=0.25))
    eased.next(1.0)
    with pytest.raises(SourceTimedOut):
        eased.next(0.0)


def test_pictures_are_scaled_but_not_below_what_shows_a_plate(frames: list[Frame]) -> None:
    assert scaled(frames[0], 0.9).picture.shape == (324, 576, 3)
    assert scaled(frames[0], 0.1).picture.shape == (320, 569, 3)
    assert scaled(frames[0], 1.0) is frames[0]
