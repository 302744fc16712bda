"""The Raspberry Pi camera module through picamera2: two streams and the metadata of one request.

The main stream is what plates are read from, the low-resolution one is for motion. A request that
is not released is never filled again, so each is released as soon as its pictures are copied.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from agent.camera.controls import CameraControls, Offer, libcamera_controls, libcamera_offer
from agent.camera.errors import SourceFailed, SourceTimedOut
from agent.camera.frame import Frame
from agent.camera.metadata import exposed_at_s, sensor_facts
from agent.driver_thread import DriverThread

_log = structlog.get_logger(__name__)
_RELEASE_S = 1.0
_BUFFERS = 4
_LOW_WIDTH_PX = 320
_SLICE_S = 0.25


class Request(Protocol):
    """The part of `picamera2.request.CompletedRequest` that is used here."""

    def make_array(self, name: str) -> Any: ...

    def get_metadata(self) -> Mapping[str, Any]: ...

    def release(self) -> None: ...


class Job(Protocol):
    """The part of `picamera2.job.Job` that is used here."""

    def get_result(self, timeout: float | None = None) -> Request: ...


class Camera(Protocol):
    """The part of `picamera2.Picamera2` that is used here; a test holds it to its source."""

    @property
    def camera_controls(self) -> Mapping[str, Any]: ...

    def create_video_configuration(
        self,
        main: Mapping[str, Any],
        lores: Mapping[str, Any] | None = None,
        *,
        buffer_count: int,
        controls: Mapping[str, Any],
        queue: bool,
    ) -> dict[str, Any]: ...

    def configure(self, camera_config: dict[str, Any]) -> None: ...

    def set_controls(self, controls: Mapping[str, Any]) -> None: ...

    def start(self) -> None: ...

    def capture_request(self, wait: bool) -> Job: ...

    def cancel_all_and_flush(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


Open = Callable[[int], Camera]


@dataclass(frozen=True, slots=True, kw_only=True)
class PicameraSettings:
    """Which camera, and the size and rate asked of it."""

    camera: int = 0
    width: int = 1280
    height: int = 720
    fps: float = 10.0

    @property
    def low_size(self) -> tuple[int, int]:
        """Of the stream for motion: a whole fraction of the main one, near 320 pixels wide."""
        factor = max(1, round(self.width / _LOW_WIDTH_PX))
        return self.width // factor, self.height // factor


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PicameraSource:
    """A live source. Every call into the driver is made on a thread that may be left behind.

    `control` may be called from any thread, before and after it is entered; what was set last is
    set again each time that it is opened.
    """

    def __init__(
        self,
        settings: PicameraSettings,
        *,
        opener: Open | None = None,
        open_timeout_s: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
        utc_now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._settings = settings
        self._open = opener or open_picamera2
        self._open_timeout_s = open_timeout_s
        self._clock = clock
        self._utc_now = utc_now
        self._controls = CameraControls()
        self._offer: Offer | None = None
        self._driver: DriverThread | None = None
        self._camera: Camera | None = None
        self._is_left = threading.Event()
        self._pending: Future[Frame] | None = None
        self._number = 0

    @property
    def is_finite(self) -> bool:
        return False

    @property
    def total_frames(self) -> int | None:
        return None

    def __str__(self) -> str:
        return f"picamera:{self._settings.camera}"

    @property
    def offer(self) -> Offer | None:
        return self._offer

    def control(self, controls: CameraControls) -> None:
        """Sets exposure, focus and the picture's look, in force a few frames later."""
        self._controls = controls
        driver = self._driver
        if driver is not None:
            driver.submit(self._control_in_driver)

    def __enter__(self) -> PicameraSource:
        self._number = 0
        self._is_left = threading.Event()
        self._driver = DriverThread(str(self))
        opening = self._driver.submit(self._open_in_driver)
        try:
            opening.result(self._open_timeout_s)
        except TimeoutError as error:
            self._leave()
            raise SourceTimedOut(
                f"{self}: did not open within {self._open_timeout_s:g} s; check the ribbon cable, "
                "and that no other program uses the camera"
            ) from error
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._leave()

    def read(self, timeout_s: float) -> Frame | None:
        if self._driver is None:
            raise SourceFailed(f"{self}: is not open; enter it before reading")
        if self._pending is None:
            self._pending = self._driver.submit(self._read_in_driver)
        try:
            frame = self._pending.result(timeout_s)
        except TimeoutError as error:
            if not self._pending.done():
                raise SourceTimedOut(
                    f"{self}: gave no frame within {timeout_s:g} s; read on, or open it again"
                ) from error
            self._pending = None
            raise SourceFailed(f"{self}: the driver timed out; it is to be opened again") from error
        except SourceFailed:
            self._pending = None
            raise
        self._pending = None
        return frame

    def _open_in_driver(self) -> None:
        settings = self._settings
        try:
            self._camera = camera = self._open(settings.camera)
            camera.configure(
                camera.create_video_configuration(
                    {"size": (settings.width, settings.height), "format": "RGB888"},
                    {"size": settings.low_size, "format": "YUV420"},
                    buffer_count=_BUFFERS,
                    controls={"FrameRate": settings.fps},
                    queue=False,
                )
            )
            self._offer = libcamera_offer(camera.camera_controls)
            self._control_in_driver()
            camera.start()
        except SourceFailed:
            raise
        except Exception as error:  # picamera2 raises RuntimeError, IndexError and libcamera's own
            raise SourceFailed(
                f"{self}: could not be opened ({error}); rpicam-hello --list-cameras shows what is "
                "there; check the ribbon cable, and that no other program uses it"
            ) from error

    def _control_in_driver(self) -> None:
        camera = self._camera
        if camera is None:
            return
        wanted = libcamera_controls(self._controls, offered=camera.camera_controls)
        try:
            camera.set_controls(wanted)
        except Exception as error:  # noqa: BLE001 - as above; a camera that refuses one goes on
            _log.error("the camera refuses a control", source=str(self), error=str(error))

    def _read_in_driver(self) -> Frame:
        camera = self._camera
        if camera is None:
            raise SourceFailed(f"{self}: is not open; enter it before reading")
        try:
            request = self._request_in_driver(camera)
            try:
                return self._frame(request)
            finally:
                request.release()
        except SourceFailed:
            raise
        except Exception as error:  # as above, and CancelledError where it is left meanwhile
            raise SourceFailed(f"{self}: broke ({error}); it is to be opened again") from error

    def _request_in_driver(self, camera: Camera) -> Request:
        """Waits in slices, so that nobody else has to call into the driver to end the waiting."""
        job = camera.capture_request(wait=False)
        while not self._is_left.is_set():
            try:
                return job.get_result(timeout=_SLICE_S)
            except TimeoutError:
                continue
        camera.cancel_all_and_flush()
        raise SourceFailed(f"{self}: was left while it waited for a frame")

    def _frame(self, request: Request) -> Frame:
        metadata = request.get_metadata()
        picture = np.asarray(request.make_array("main"), dtype=np.uint8)
        luma = luma_of(np.asarray(request.make_array("lores")), self._settings.low_size)
        now_s, now = self._clock(), self._utc_now()
        exposed_s = exposed_at_s(metadata)
        at_s = now_s if exposed_s is None or exposed_s > now_s else exposed_s
        number, self._number = self._number, self._number + 1
        return Frame(
            picture=picture,
            captured_at=now - timedelta(seconds=now_s - at_s),
            at_s=at_s,
            number=number,
            origin=str(self),
            sensor=sensor_facts(metadata),
            luma=luma,
        )

    def _leave(self) -> None:
        """Gives the camera back; a driver that hangs does so by itself once it returns."""
        driver, self._driver, self._pending = self._driver, None, None
        if driver is None:
            return
        self._is_left.set()
        driver.submit(self._release_in_driver)
        if not driver.finish(_RELEASE_S):
            _log.warning("the camera hangs and is left behind", source=str(self))

    def _release_in_driver(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.stop()
            camera.close()


def luma_of(yuv: NDArray[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The brightness of a YUV420 array of shape (height * 3/2, stride).

    The stride may exceed the width: what lies beyond is no picture.
    """
    width, height = size
    if yuv.ndim != 2 or yuv.shape[0] < height or yuv.shape[1] < width:
        raise SourceFailed(
            f"the low-resolution stream has shape {yuv.shape}, expected at least "
            f"({height * 3 // 2}, {width}): use a width and height that 32 divides"
        )
    return np.ascontiguousarray(yuv[:height, :width], dtype=np.uint8)


def open_picamera2(camera: int) -> Camera:
    """The real one, imported only now: it starts a thread and libcamera."""
    try:
        module = importlib.import_module("picamera2")
    except ImportError as error:
        raise SourceFailed(
            f"picamera:{camera}: the Python package picamera2 cannot be used ({error}); on "
            "Raspberry Pi OS run: sudo apt install python3-picamera2, and make the virtual "
            "environment with --system-site-packages"
        ) from error
    opened: Camera = module.Picamera2(camera)
    return opened
