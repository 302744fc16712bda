"""What every frame source promises, held by the real ones and by the fake alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from agent.camera.capture import CaptureSource
from agent.camera.errors import SourceFailed
from agent.camera.factory import open_source
from agent.camera.frame import Frame
from agent.camera.picamera import PicameraSettings, PicameraSource
from agent.camera.source import FrameSource
from agent.camera.uri import parse_source
from agent.camera.v4l2 import Panel
from agent.camera.video_device import VideoDeviceSource
from tests.fakes.picamera import FakeCamera
from tests.fakes.sources import FakeCapture, FakeSource, Step
from tests.fakes.v4l2 import FakeVideoNode

ENDLESS_FRAMES = 12
Make = Callable[[], FrameSource]


@pytest.fixture(params=["synthetic", "images", "file", "fake", "picamera", "v4l2"])
def make(request: pytest.FixtureRequest, clip: Path, pictures: Path) -> Make:
    makers: dict[str, Make] = {
        "synthetic": lambda: open_source("synthetic:?vehicles=1&seed=3&width=320&height=180"),
        "images": lambda: open_source(f"images:{pictures}"),
        "file": lambda: open_source(f"file:{clip}"),
        "fake": lambda: FakeSource([Step.FRAME] * 5),
        "picamera": lambda: PicameraSource(PicameraSettings(), opener=lambda _: FakeCamera()),
        "v4l2": lambda: VideoDeviceSource(
            CaptureSource(
                parse_source("v4l2:/dev/video0"), opener=lambda: FakeCapture(1000, Step.END)
            ),
            open_panel=lambda: Panel(FakeVideoNode()),
        ),
    }
    return makers[str(request.param)]


def _read_all(source: FrameSource) -> list[Frame]:
    """Every frame; of a source without an end so many."""
    frames: list[Frame] = []
    while source.is_finite or len(frames) < ENDLESS_FRAMES:
        if (frame := source.read(5.0)) is None:
            break
        frames.append(frame)
    return frames


def test_frames_are_numbered_timed_and_never_from_the_future(make: Make) -> None:
    with make() as source:
        frames = _read_all(source)
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert frames
    assert all(a.at_s < b.at_s for a, b in pairwise(frames))
    for frame in frames:
        assert frame.captured_at.utcoffset() == timedelta(0)
        assert frame.captured_at <= datetime.now(UTC) + timedelta(seconds=1)


def test_pictures_are_colour_bytes(make: Make) -> None:
    with make() as source:
        frame = source.read(5.0)
    assert frame is not None
    assert frame.picture.dtype == np.uint8
    assert frame.picture.ndim == 3
    assert frame.picture.shape[2] == 3


def test_a_finite_source_gives_as_many_frames_as_it_says_and_stays_ended(make: Make) -> None:
    with make() as source:
        if not source.is_finite:
            assert source.total_frames is None
            return
        frames = _read_all(source)
        assert source.is_finite
        assert source.total_frames == len(frames)
        assert source.read(1.0) is None


def test_a_source_that_is_entered_again_begins_again(make: Make) -> None:
    source = make()
    with source:
        assert source.read(5.0) is not None
        assert source.read(5.0) is not None
    with source:
        frames = _read_all(source)
    assert frames[0].number == 0
    assert len(frames) == (source.total_frames if source.is_finite else ENDLESS_FRAMES)


def test_reading_before_entering_or_after_leaving_is_an_error(make: Make) -> None:
    source = make()
    with pytest.raises(SourceFailed, match="not open"):
        source.read(1.0)
    with source:
        pass
    with pytest.raises(SourceFailed, match="not open"):
        source.read(1.0)
