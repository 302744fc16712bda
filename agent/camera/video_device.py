"""USB cameras and other video devices: OpenCV's frames, and controls set through the kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import structlog

from agent.camera.controls import CameraControls, Offer
from agent.camera.frame import Frame, SensorFacts
from agent.camera.source import FrameSource
from agent.camera.v4l2 import Panel
from agent.camera.v4l2_controls import EXPOSURE_STEP_S, Controls, Id, offer_of, settings_for
from agent.driver_thread import DriverThread

_log = structlog.get_logger(__name__)
_RELEASE_S = 0.5


class VideoDeviceSource:
    """A live source whose controls are set beside the reading, on a thread that may be left behind.

    `control` may be called from any thread, before and after it is entered; what was set last is
    set again each time that it is opened, for a camera that lost its power has forgotten it. A
    device without controls, or one that refuses them, gives its frames all the same.
    """

    def __init__(self, capture: FrameSource, *, open_panel: Callable[[], Panel]) -> None:
        """`capture` gives the frames. `open_panel` raises OSError."""
        self._capture = capture
        self._open_panel = open_panel
        self._driver: DriverThread | None = None
        self._panel: Panel | None = None
        self._controls: Controls = {}
        self._wanted = CameraControls()
        self._set = CameraControls()
        self._offer: Offer | None = None
        self._sensor = SensorFacts()

    def __str__(self) -> str:
        return str(self._capture)

    @property
    def is_finite(self) -> bool:
        return self._capture.is_finite

    @property
    def total_frames(self) -> int | None:
        return self._capture.total_frames

    @property
    def offer(self) -> Offer | None:
        return self._offer

    def control(self, controls: CameraControls) -> None:
        """In force a few frames later."""
        self._wanted = controls
        driver = self._driver  # the thread that captures may leave meanwhile
        if driver is not None:
            driver.submit(self._set_in_driver)

    def __enter__(self) -> VideoDeviceSource:
        self._capture.__enter__()
        self._driver = DriverThread(f"controls of {self}")
        self._driver.submit(self._open_in_driver)
        return self

    def __exit__(self, *exc_info: object) -> None:
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.submit(self._close_in_driver)
            if not driver.finish(_RELEASE_S):
                _log.warning("setting the camera hangs and is left behind", source=str(self))
        self._capture.__exit__(*exc_info)

    def read(self, timeout_s: float) -> Frame | None:
        frame = self._capture.read(timeout_s)
        return None if frame is None else replace(frame, sensor=self._sensor)

    def _open_in_driver(self) -> None:
        try:
            self._panel = self._open_panel()
            self._controls = self._panel.controls()
        except OSError as error:
            _log.error("the camera's controls cannot be asked", source=str(self), error=str(error))
            self._close_in_driver()
            self._offer = Offer()
            return
        self._offer = offer_of(self._controls)
        self._set_in_driver()

    def _set_in_driver(self) -> None:
        panel, wanted = self._panel, self._wanted
        if panel is None:
            return
        for control, value in settings_for(wanted, self._set, self._controls):
            try:
                panel.set(control, value)
            except OSError as error:
                _log.error(
                    "the camera refuses a control",
                    source=str(self),
                    control=control.name.lower(),
                    value=int(value),
                    error=str(error),
                )
        self._set = wanted
        self._sensor = SensorFacts(exposure_time_s=self._exposure_s(panel))
        self._tell_what_is_missing(wanted)

    def _exposure_s(self, panel: Panel) -> float | None:
        """Where it was set: what a camera that chooses by itself says of it may be anything."""
        if self._wanted.exposure_s is None or Id.EXPOSURE_ABSOLUTE not in self._controls:
            return None
        try:
            return panel.value(Id.EXPOSURE_ABSOLUTE) * EXPOSURE_STEP_S
        except OSError:
            return None

    def _tell_what_is_missing(self, wanted: CameraControls) -> None:
        taken = frozenset[str]() if self._offer is None else self._offer.fields
        missing = [
            one.name
            for one in fields(CameraControls)
            if getattr(wanted, one.name) is not None and one.name not in taken
        ]
        if missing:
            _log.warning("this camera has no such controls", source=str(self), fields=missing)

    def _close_in_driver(self) -> None:
        panel, self._panel = self._panel, None
        if panel is not None:
            panel.close()
