"""Clips on media time, and captures that hang or break."""

from __future__ import annotations

import os
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import structlog

from agent.camera.capture import CaptureSource
from agent.camera.errors import SourceFailed, SourceTimedOut
from agent.camera.uri import parse_source
from agent.driver_thread import threads_left_behind
from tests.agent.camera.conftest import CLIP_FPS, CLIP_FRAMES
from tests.fakes.sources import FakeCapture, Step

CAMERA = parse_source("rtsp://operator:hunter2@192.0.2.1/live")


def test_a_clip_runs_on_media_time_and_ends_when_its_file_was_written(clip: Path) -> None:
    written_s = 1_700_000_000
    os.utime(clip, (written_s, written_s))
    frames = []
    with CaptureSource(parse_source(str(clip))) as source:
        assert source.total_frames == CLIP_FRAMES
        while (frame := source.read(5.0)) is not None:
            frames.append(frame)
    assert [f.at_s for f in frames] == pytest.approx([n / CLIP_FPS for n in range(CLIP_FRAMES)])
    start = datetime.fromtimestamp(written_s, UTC) - timedelta(seconds=CLIP_FRAMES / CLIP_FPS)
    assert frames[0].captured_at == start
    assert frames[-1].captured_at - start == timedelta(seconds=(CLIP_FRAMES - 1) / CLIP_FPS)
    lightness = [float(f.picture.mean()) for f in frames]
    assert lightness == pytest.approx([20 * n for n in range(CLIP_FRAMES)], abs=3)


def test_a_missing_clip_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="no such file"):
        CaptureSource(parse_source(f"file:{tmp_path}/gone.mp4")).__enter__()
    with pytest.raises(SourceFailed, match="is a folder; read pictures with images:"):
        CaptureSource(parse_source(f"file:{tmp_path}")).__enter__()


def test_a_file_that_is_no_clip_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no clip")
    with pytest.raises(SourceFailed, match="could not be opened"):
        CaptureSource(parse_source(f"file:{tmp_path}/notes.mp4")).__enter__()


def test_a_clip_that_was_cut_off_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "cut.mkv"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (160, 120))
    rng = np.random.default_rng(1)
    for _ in range(20):
        writer.write(rng.integers(0, 255, (120, 160, 3), dtype=np.uint8))
    writer.release()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with structlog.testing.capture_logs() as logs, CaptureSource(parse_source(str(path))) as source:
        count = 0
        while source.read(5.0) is not None:
            count += 1
    assert 5 < count < 15
    assert [(log["event"], log["frames"], log["expected"]) for log in logs] == [
        ("clip ended early", count, 20)
    ]


def test_live_frames_are_dated_on_arrival() -> None:
    now = datetime(2024, 8, 6, 10, 30, tzinfo=UTC)
    source = CaptureSource(
        CAMERA,
        opener=lambda: FakeCapture(2, Step.END),
        clock=iter([7.0, 7.1]).__next__,
        utc_now=lambda: now,
    )
    with source:
        frames = [source.read(5.0), source.read(5.0)]
    assert [(f.captured_at, f.at_s, f.number) for f in frames if f is not None] == [
        (now, 7.0, 0),
        (now, 7.1, 1),
    ]


def test_a_live_stream_that_ends_has_failed() -> None:
    with CaptureSource(CAMERA, opener=lambda: FakeCapture(1, Step.END)) as source:
        assert source.read(5.0) is not None
        with pytest.raises(SourceFailed, match="stream ended"):
            source.read(5.0)


def test_a_capture_that_hangs_times_out_and_can_be_left() -> None:
    capture = FakeCapture(1, Step.STUCK)
    source = CaptureSource(CAMERA, opener=lambda: capture)
    with structlog.testing.capture_logs() as logs:
        with source:
            assert source.read(5.0) is not None
            with pytest.raises(SourceTimedOut, match=r"no frame within 0\.05 s"):
                source.read(0.05)
            left_s = time.monotonic()
        assert time.monotonic() - left_s < 1.5
    assert [log["event"] for log in logs] == ["capture hangs and is left behind"]
    assert "hunter2" not in str(logs)
    assert "driver rtsp://***@192.0.2.1/live" in threads_left_behind()
    capture.unblock()
    assert capture.is_released.wait(5.0), "the device is given back once the driver returns"


def test_waiting_goes_on_after_a_timeout() -> None:
    capture = FakeCapture(0, Step.STUCK)
    with CaptureSource(CAMERA, opener=lambda: capture) as source:
        with pytest.raises(SourceTimedOut):
            source.read(0.01)
        capture.unblock()
        with pytest.raises(SourceFailed, match="stream ended"):
            source.read(5.0)


def test_opening_that_hangs_times_out() -> None:
    capture = FakeCapture(0, Step.STUCK)

    def open_slowly() -> FakeCapture:
        capture.read()
        return capture

    with pytest.raises(SourceTimedOut, match="did not open within"):
        CaptureSource(CAMERA, opener=open_slowly, open_timeout_s=0.05).__enter__()
    capture.unblock()
    assert capture.is_released.wait(5.0)


def test_a_name_service_that_hangs_is_no_camera_that_hangs() -> None:
    answers = threading.Event()
    camera = CaptureSource(
        parse_source("rtsp://operator:hunter2@gate.example.org/live"),
        opener=lambda: FakeCapture(0, Step.END),
        resolve=lambda _: answers.wait(),
        open_timeout_s=0.15,
    )
    with pytest.raises(SourceFailed, match=r"the name gate\.example\.org cannot be") as failure:
        camera.__enter__()
    answers.set()
    assert not isinstance(failure.value, SourceTimedOut)
    assert "DNS" in str(failure.value)


def test_a_name_that_nobody_knows_is_said_to_be_so() -> None:
    def unknown(_: str) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    camera = CaptureSource(CAMERA, opener=lambda: FakeCapture(0, Step.END), resolve=unknown)
    with pytest.raises(SourceFailed, match="Name or service not known"):
        camera.__enter__()


def test_an_error_of_opencv_is_the_sources_failure() -> None:
    class Breaking(FakeCapture):
        def read(self) -> tuple[bool, object]:
            raise cv2.error("decoder gave up")

    with (
        CaptureSource(CAMERA, opener=lambda: Breaking(0, Step.END)) as source,
        pytest.raises(SourceFailed, match="decoder gave up"),
    ):
        source.read(5.0)
