"""A Raspberry Pi camera as picamera2 shows one: streams with stride, metadata, few buffers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from typing import Any

import numpy as np

STRIDE_STEP = 64
"""The hardware pads rows of the low-resolution stream to this many bytes."""


class FakeRequest:
    """One exposure; its buffer is filled again only once it was released."""

    def __init__(self, camera: FakeCamera, number: int, metadata: Mapping[str, Any]) -> None:
        self._camera = camera
        self._number = number
        self._metadata = dict(metadata)
        self._is_released = False

    def make_array(self, name: str) -> Any:
        config = self._camera.config[name]
        width, height = config["size"]
        if config["format"] == "RGB888":
            picture = np.zeros((height, width, 3), np.uint8)
            picture[:] = (200, 60, 30)  # blue, green, red: RGB888 lies so in memory
            return picture
        stride = -(-width // STRIDE_STEP) * STRIDE_STEP
        yuv = np.full((height * 3 // 2, stride), 255, np.uint8)
        yuv[:height, :width] = self._number % 200
        return yuv

    def get_metadata(self) -> Mapping[str, Any]:
        return self._metadata

    def release(self) -> None:
        if self._is_released:
            raise RuntimeError("a request was released twice")
        self._is_released = True
        self._camera.give_back()


class FakeJob:
    """A capture that was asked for."""

    def __init__(self) -> None:
        self.future: Future[FakeRequest] = Future()

    def get_result(self, timeout: float | None = None) -> FakeRequest:
        return self.future.result(timeout)

    def cancel(self) -> None:
        if not self.future.done():
            self.future.set_exception(CancelledError())


class FakeCamera:
    """`metadata(number)` is that of each frame; `frames` come, then none (a cable that slipped)."""

    def __init__(
        self,
        *,
        metadata: Callable[[int], Mapping[str, Any]] = lambda _: {},
        frames: int | None = None,
        offered: tuple[str, ...] = ("Brightness", "ExposureTime", "AnalogueGain"),
    ) -> None:
        self._metadata = metadata
        self._frames = frames
        self._number = 0
        self._free = 0
        self._changed = threading.Condition()
        self._jobs: list[FakeJob] = []
        self._offered = dict.fromkeys(offered, (0, 1, 0))
        self.callers: set[str] = set()
        self.config: dict[str, Any] = {}
        self.controls: dict[str, Any] = {}
        self.is_started = False
        self.is_closed = False

    @property
    def camera_controls(self) -> Mapping[str, Any]:
        return self._offered

    def create_video_configuration(
        self,
        main: Mapping[str, Any] = {},
        lores: Mapping[str, Any] | None = None,
        *,
        buffer_count: int = 6,
        controls: Mapping[str, Any] = {},
        queue: bool = True,
    ) -> dict[str, Any]:
        return {
            "main": main,
            "lores": lores,
            "buffer_count": buffer_count,
            "controls": controls,
            "queue": queue,
        }

    def configure(self, camera_config: dict[str, Any]) -> None:
        if self.is_started:
            raise RuntimeError("Camera must be stopped before configuring")
        self.config = camera_config
        self._free = int(camera_config["buffer_count"])

    def set_controls(self, controls: Mapping[str, Any]) -> None:
        unknown = set(controls) - set(self._offered)
        if unknown:
            raise RuntimeError(f"Control {unknown.pop()} is not advertised by libcamera")
        self.controls.update(controls)

    def start(self) -> None:
        if not self.config:
            raise RuntimeError("Camera has not been configured")
        self.is_started = True

    def capture_request(self, wait: bool) -> FakeJob:
        """Never blocks with `wait` False; without a free buffer the job stays open for ever."""
        self.callers.add(threading.current_thread().name)
        if wait or not self.is_started:
            raise RuntimeError("this camera is asked without waiting, once it was started")
        job = FakeJob()
        with self._changed:
            self._jobs.append(job)
            if self._free and (self._frames is None or self._number < self._frames):
                self._free -= 1
                job.future.set_result(FakeRequest(self, self._number, self._metadata(self._number)))
                self._number += 1
        return job

    def give_back(self) -> None:
        with self._changed:
            self._free += 1

    def cancel_all_and_flush(self) -> None:
        self.callers.add(threading.current_thread().name)
        for job in self._jobs:
            job.cancel()
        self._jobs.clear()

    def stop(self) -> None:
        self.is_started = False

    def close(self) -> None:
        self.callers.add(threading.current_thread().name)
        self.is_closed = True
