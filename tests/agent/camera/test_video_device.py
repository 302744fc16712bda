"""Video devices: what is set is in force when they open and open again, and never costs a frame."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import structlog

from agent.camera.capture import CaptureSource
from agent.camera.controls import EVERY_CONTROL, CameraControls, Offer
from agent.camera.uri import parse_source
from agent.camera.v4l2 import Panel
from agent.camera.v4l2_controls import Id
from agent.camera.video_device import VideoDeviceSource
from agent.driver_thread import DriverThread
from tests.fakes.sources import FakeCapture, Step
from tests.fakes.v4l2 import USB_CAMERA, FakeVideoNode

URI = parse_source("v4l2:/dev/video0")


def _source(*nodes: FakeVideoNode | OSError) -> VideoDeviceSource:
    """Gives endless frames; each opening finds the next node."""
    coming: Iterator[FakeVideoNode | OSError] = iter(nodes)

    def opened() -> Panel:
        node = next(coming)
        if isinstance(node, OSError):
            raise node
        return Panel(node)

    capture = CaptureSource(URI, opener=lambda: FakeCapture(1000, Step.END))
    return VideoDeviceSource(capture, open_panel=opened)


def test_settings_are_in_force_from_the_start_and_again_after_it_lost_its_power() -> None:
    first, second = FakeVideoNode(), FakeVideoNode()
    source = _source(first, second)
    assert source.offer is None
    source.control(CameraControls(exposure_s=0.002, focus=1.0))
    with source:
        assert source.read(5.0) is not None
        assert first.awaited(Id.EXPOSURE_ABSOLUTE, 20)
        assert source.offer is not None
        assert source.offer.fields == EVERY_CONTROL
    assert not first.is_open
    assert first.value(Id.FOCUS_ABSOLUTE) == 250
    with source:
        assert second.awaited(Id.EXPOSURE_ABSOLUTE, 20)
    assert second.value(Id.FOCUS_ABSOLUTE) == 250


def test_a_change_is_in_force_while_it_runs_and_the_shutter_that_it_took_is_known() -> None:
    node = FakeVideoNode()
    source = _source(node)
    with source:
        source.control(CameraControls(exposure_s=0.00001))
        assert node.awaited(Id.EXPOSURE_ABSOLUTE, 3)
        assert node.value(Id.EXPOSURE_AUTO) == 1
        source.control(CameraControls(exposure_s=0.00001, gain=64))
        assert node.awaited(Id.GAIN, 255)
        while (frame := source.read(5.0)) is not None and frame.sensor.exposure_time_s is None:
            continue
        assert frame is not None
        assert frame.sensor.exposure_time_s == pytest.approx(0.0003)
        source.control(CameraControls())
        assert node.awaited(Id.EXPOSURE_AUTO, 3)
        assert node.awaited(Id.GAIN, 64)


def test_what_another_tool_has_set_stays_where_nothing_was_set_here() -> None:
    node = FakeVideoNode()
    Panel(node).set(Id.BRIGHTNESS, 17)
    source = _source(node)
    source.control(CameraControls(contrast=2.0))
    with source:
        assert node.awaited(Id.CONTRAST, 95)
    assert node.value(Id.BRIGHTNESS) == 17


def test_a_control_that_is_refused_or_missing_is_told_and_the_others_are_set() -> None:
    without_gain = {one: control for one, control in USB_CAMERA.items() if one != Id.GAIN}
    node = FakeVideoNode(without_gain, busy=frozenset({Id.BRIGHTNESS}))
    source = _source(node)
    source.control(CameraControls(brightness=0.5, contrast=2.0, gain=8))
    with structlog.testing.capture_logs() as logs, source:
        assert node.awaited(Id.CONTRAST, 95)
        assert source.read(5.0) is not None
    refused, missing = logs
    assert (refused["control"], refused["value"]) == ("brightness", 32)
    assert "busy" in refused["error"]
    assert missing["event"] == "this camera has no such controls"
    assert missing["fields"] == ["gain"]


def test_a_device_whose_controls_cannot_be_opened_gives_its_frames() -> None:
    source = _source(PermissionError("not in the group video"))
    with structlog.testing.capture_logs() as logs, source:
        assert source.read(5.0) is not None
    assert [log["event"] for log in logs] == ["the camera's controls cannot be asked"]
    assert source.offer == Offer()


def test_controls_that_hang_hold_up_neither_frames_nor_leaving() -> None:
    goes_on = threading.Event()

    def hangs() -> Panel:
        goes_on.wait()
        return Panel(FakeVideoNode())

    capture = CaptureSource(URI, opener=lambda: FakeCapture(1000, Step.END))
    source = VideoDeviceSource(capture, open_panel=hangs)
    try:
        with structlog.testing.capture_logs() as logs, source:
            assert source.read(5.0) is not None
        assert [log["event"] for log in logs] == ["setting the camera hangs and is left behind"]
    finally:
        goes_on.set()


def test_a_change_may_come_while_the_device_is_left() -> None:
    class Left(VideoDeviceSource):
        """Another thread leaves it when `control` has looked at its driver once."""

        opened: DriverThread | None = None
        is_controlled = False

        def control(self, controls: CameraControls) -> None:
            self.is_controlled = True
            super().control(controls)

        @property
        def _driver(self) -> DriverThread | None:
            driver = self.opened
            if self.is_controlled:
                self.opened = None
            return driver

        @_driver.setter
        def _driver(self, driver: DriverThread | None) -> None:
            self.opened = driver

    node = FakeVideoNode()
    capture = CaptureSource(URI, opener=lambda: FakeCapture(1000, Step.END))
    source = Left(capture, open_panel=lambda: Panel(node))
    with source:
        driver = source.opened
        assert driver is not None
        source.control(CameraControls(contrast=2.0))
        assert node.awaited(Id.CONTRAST, 95)
    assert driver.finish(5.0)
