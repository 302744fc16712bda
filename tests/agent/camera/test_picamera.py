"""The Raspberry Pi camera: what is asked of picamera2, and what becomes of its answers."""

from __future__ import annotations

import inspect
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.camera import picamera
from agent.camera.controls import CameraControls, Offer, libcamera_controls
from agent.camera.errors import SourceFailed, SourceTimedOut
from agent.camera.frame import SensorFacts
from agent.camera.metadata import exposed_at_s, sensor_facts
from agent.camera.picamera import PicameraSettings, PicameraSource, luma_of
from tests.fakes.picamera import FakeCamera, FakeJob, FakeRequest

SIGNATURES = json.loads(
    (Path(__file__).parents[2] / "fakes" / "picamera2_signatures.json").read_text("utf-8")
)
NOW = datetime(2026, 3, 4, tzinfo=UTC)


def _real(class_name: str, method: str) -> inspect.Signature:
    """What scripts/picamera_signatures.py wrote of it."""
    parameters = []
    for said in SIGNATURES["classes"][class_name][method]:
        by_name, has_default = said.startswith("*"), said.endswith("=")
        parameters.append(
            inspect.Parameter(
                said.strip("*="),
                inspect.Parameter.KEYWORD_ONLY
                if by_name
                else inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=None if has_default else inspect.Parameter.empty,
            )
        )
    return inspect.Signature(parameters)


def _ours(kind: type, method: str) -> list[inspect.Parameter]:
    found = inspect.getattr_static(kind, method)
    if isinstance(found, property):
        return []
    return list(inspect.signature(found).parameters.values())[1:]


@pytest.mark.parametrize(
    ("kind", "class_name"),
    [
        (picamera.Camera, "Picamera2"),
        (FakeCamera, "Picamera2"),
        (picamera.Request, "CompletedRequest"),
        (FakeRequest, "CompletedRequest"),
        (picamera.Job, "Job"),
        (FakeJob, "Job"),
    ],
)
def test_every_call_fits_the_signature_in_the_package_s_source(kind: type, class_name: str) -> None:
    contract = {"Picamera2": picamera.Camera, "CompletedRequest": picamera.Request}.get(
        class_name, picamera.Job
    )
    methods = [name for name in vars(contract) if not name.startswith("_")]
    assert methods
    for method in methods:
        parameters = _ours(kind, method)
        by_place = [one for one in parameters if one.kind is not one.KEYWORD_ONLY]
        by_name = {one.name: one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
        bound = _real(class_name, method).bind(*(one.name for one in by_place), **by_name)
        assert all(name == value for name, value in bound.arguments.items()), method


def _source(camera: FakeCamera, **settings: Any) -> PicameraSource:
    return PicameraSource(PicameraSettings(**settings), opener=lambda _: camera)


def test_it_asks_for_two_streams_of_one_request() -> None:
    camera = FakeCamera()
    with _source(camera, width=1280, height=720, fps=15):
        assert camera.config["main"] == {"size": (1280, 720), "format": "RGB888"}
        assert camera.config["lores"] == {"size": (320, 180), "format": "YUV420"}
        assert camera.config["controls"] == {"FrameRate": 15}
    assert camera.is_closed
    assert not camera.is_started


def test_a_frame_has_the_picture_the_luma_without_its_stride_and_the_sensor_s_time() -> None:
    exposed_s = time.monotonic() - 0.25

    def metadata(number: int) -> dict[str, Any]:
        return {"ExposureTime": 20_000, "SensorTimestamp": int(exposed_s * 1e9), "Lux": 250.0}

    camera = FakeCamera(metadata=metadata)
    source = PicameraSource(
        PicameraSettings(width=640, height=360),
        opener=lambda _: camera,
        utc_now=lambda: NOW,
        clock=lambda: exposed_s + 0.25,
    )
    with source:
        frame = source.read(5.0)
    assert frame is not None
    assert frame.picture.shape == (360, 640, 3)
    assert frame.picture[0, 0].tolist() == [200, 60, 30]
    assert frame.luma is not None
    assert frame.luma.shape == (180, 320)
    assert int(frame.luma.max()) == 0
    assert frame.at_s == pytest.approx(exposed_s)
    assert frame.captured_at == pytest.approx(NOW - timedelta(seconds=0.25), abs=timedelta(0.001))
    assert frame.sensor == SensorFacts(exposure_time_s=0.02, lux=250.0)


def test_more_frames_come_than_there_are_buffers_so_each_is_released() -> None:
    camera = FakeCamera()
    with _source(camera) as source:
        frames = [source.read(5.0) for _ in range(3 * camera.config["buffer_count"])]
    assert [frame.number for frame in frames if frame] == list(range(len(frames)))


def test_a_camera_that_gives_no_more_times_out_and_can_be_left() -> None:
    camera = FakeCamera(frames=1)
    with _source(camera) as source:
        assert source.read(5.0) is not None
        for _ in range(2):
            with pytest.raises(SourceTimedOut, match="no frame within"):
                source.read(0.02)
    assert camera.is_closed
    assert camera.callers == {"driver picamera:0"}


def test_controls_are_set_when_it_opens_and_while_it_runs() -> None:
    camera = FakeCamera()
    source = _source(camera)
    source.control(CameraControls(exposure_s=0.002))
    assert source.offer is None
    with source:
        assert source.offer == Offer(fields=frozenset({"brightness", "exposure_s", "gain"}))
        assert camera.controls["ExposureTime"] == 2000
        source.control(CameraControls(brightness=0.5))
        source.read(5.0)
        assert camera.controls["Brightness"] == 0.5
        assert camera.controls["ExposureTime"] == 0


def test_a_camera_of_fixed_focus_is_not_asked_to_focus() -> None:
    said = libcamera_controls(CameraControls(focus=0.5), offered={"Brightness"})
    assert set(said) == {"Brightness"}
    said = libcamera_controls(CameraControls(focus=0.5), offered={"AfMode", "LensPosition"})
    assert said == {"AfMode": 0, "LensPosition": 5.0}
    assert libcamera_controls(CameraControls(), offered={"AfMode"}) == {"AfMode": 2}


def test_white_balance_beyond_the_driver_s_modes_is_automatic() -> None:
    assert libcamera_controls(CameraControls(awb_mode=8), offered={"AwbMode"}) == {"AwbMode": 0}


@pytest.mark.parametrize(
    "metadata",
    [{}, {"ExposureTime": None, "Lux": "bright", "AfState": float("nan"), "SensorTimestamp": 0}],
)
def test_every_key_of_the_metadata_may_be_missing_or_odd(metadata: dict[str, Any]) -> None:
    assert sensor_facts(metadata) == SensorFacts()
    assert exposed_at_s(metadata) is None


def test_all_that_the_sensor_says_is_kept() -> None:
    facts = sensor_facts(
        {
            "ExposureTime": 33_000,
            "AnalogueGain": 1.5,
            "DigitalGain": 1.0,
            "Lux": 400.5,
            "ColourTemperature": 5600,
            "LensPosition": 1.2,
            "AfState": 2,
        }
    )
    assert facts == SensorFacts(
        exposure_time_s=0.033,
        analog_gain=1.5,
        digital_gain=1.0,
        lux=400.5,
        colour_temperature_k=5600,
        lens_position=1.2,
        focus_state=2,
    )


def test_a_low_resolution_stream_that_is_too_small_says_what_to_set() -> None:
    with pytest.raises(SourceFailed, match="32 divides"):
        luma_of(np.zeros((10, 10), np.uint8), (320, 180))


def test_a_driver_that_refuses_is_a_failure_that_says_what_to_do() -> None:
    def opener(_: int) -> FakeCamera:
        raise IndexError("list index out of range")

    with (
        pytest.raises(SourceFailed, match="list-cameras"),
        PicameraSource(PicameraSettings(), opener=opener),
    ):
        pass
