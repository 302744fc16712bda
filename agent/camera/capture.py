"""Clips, network cameras and video devices through OpenCV, every wait with a timeout."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import cv2
import numpy as np
import structlog
from cv2.utils import logging as opencv_logging

from agent.camera.errors import SourceFailed, SourceTimedOut
from agent.camera.frame import Frame
from agent.camera.uri import Scheme, SourceUri
from agent.driver_thread import DriverThread

_log = structlog.get_logger(__name__)
_RELEASE_S = 0.5
_LONGEST_CLIP_FRAMES = 10_000_000
_READ_TIMEOUT_S = 8.0
"""What FFmpeg gets for a frame: less than whoever reads here waits, so that a camera which is gone
shows as a stream that ended, and a driver that hangs as one that hangs."""
_OPEN_SHARE = 0.8
_NAME_SHARE = 1 / 3


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used here."""

    def isOpened(self) -> bool: ...  # noqa: N802 - OpenCV's name

    def read(self) -> tuple[bool, Any]: ...

    def get(self, property_id: int) -> float: ...

    def release(self) -> None: ...


Open = Callable[[], Capture]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clip:
    """What the container says of a clip; None where it says nothing sane."""

    frames: int | None
    fps: float

    @property
    def duration_s(self) -> float:
        return (self.frames or 0) / self.fps


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _resolved(host: str) -> object:
    return socket.getaddrinfo(host, None)


class CaptureSource:
    """One OpenCV capture.

    Clips run on media time: `at_s` is the position in the clip, and recording is taken to have
    ended when the file was last written (its modification time), so `captured_at` is that time
    less the clip's duration plus the position. Live sources are dated on arrival, with
    `at_s` on the monotonic clock.
    """

    def __init__(
        self,
        uri: SourceUri,
        *,
        open_timeout_s: float = 15.0,
        opener: Open | None = None,
        resolve: Callable[[str], object] = _resolved,
        clock: Callable[[], float] = time.monotonic,
        utc_now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._uri = uri
        self._open_timeout_s = open_timeout_s
        self._open = opener or (lambda: open_capture(uri, open_timeout_s * _OPEN_SHARE))
        self._resolve = resolve
        self._clock = clock
        self._utc_now = utc_now
        self._driver: DriverThread | None = None
        self._capture: Capture | None = None
        self._pending: Future[tuple[bool, Any, float]] | None = None
        self._clip = _Clip(frames=None, fps=25.0)
        self._started_at = utc_now()
        self._number = 0
        self._last_at_s = -1.0

    def __str__(self) -> str:
        return str(self._uri)

    @property
    def is_finite(self) -> bool:
        return self._uri.scheme is Scheme.FILE

    @property
    def total_frames(self) -> int | None:
        """What the container says, once the clip is open; some say nothing or only about."""
        return self._clip.frames

    def __enter__(self) -> CaptureSource:
        if self.is_finite:
            _check_file(self._uri.target)
        elif self._uri.scheme is Scheme.RTSP:
            self._check_name(urlsplit(self._uri.target).hostname or "")
        self._driver = DriverThread(str(self._uri))
        opening = self._driver.submit(self._open_in_driver)
        try:
            self._clip = opening.result(self._open_timeout_s)
        except TimeoutError as error:
            self._leave()
            raise SourceTimedOut(
                f"{self._uri}: did not open within {self._open_timeout_s:g} s; "
                "check that it is switched on and reachable"
            ) from error
        except BaseException:
            self._leave()
            raise
        self._number, self._last_at_s = 0, -1.0
        if self.is_finite:
            written_s = Path(self._uri.target).expanduser().stat().st_mtime
            written_at = datetime.fromtimestamp(written_s, UTC)
            self._started_at = written_at - timedelta(seconds=self._clip.duration_s)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._leave()

    def read(self, timeout_s: float) -> Frame | None:
        if self._driver is None:
            raise SourceFailed(f"{self._uri}: is not open; enter it before reading")
        if self._pending is None:
            self._pending = self._driver.submit(self._read_in_driver)
        try:
            is_read, picture, position_s = self._pending.result(timeout_s)
        except TimeoutError as error:
            raise SourceTimedOut(
                f"{self._uri}: gave no frame within {timeout_s:g} s; read on, or open it again"
            ) from error
        except cv2.error as error:
            self._pending = None
            raise SourceFailed(f"{self._uri}: OpenCV could not read on: {error}") from error
        self._pending = None
        if not is_read:
            self._check_end()
            return None
        return self._frame(np.asarray(picture, dtype=np.uint8), position_s)

    def _check_name(self, host: str) -> None:
        """A name service that does not answer is no camera that hangs: no restart of ours helps."""
        within_s = self._open_timeout_s * _NAME_SHARE
        asking = DriverThread(f"name of {self._uri}")
        answer = asking.submit(lambda: self._resolve(host))
        asking.leave()
        try:
            answer.result(within_s)
        except (TimeoutError, OSError) as error:
            raise SourceFailed(
                f"{self._uri}: the name {host} cannot be resolved "
                f"({error or f'no answer within {within_s:g} s'}); check the name server (DNS), or "
                "write the camera's address as numbers"
            ) from error

    def _open_in_driver(self) -> _Clip:
        capture = self._open()
        self._capture = capture
        if not capture.isOpened():
            raise SourceFailed(f"{self._uri}: could not be opened; {_remedy(self._uri.scheme)}")
        frames, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        return _Clip(
            frames=int(frames) if self.is_finite and 0 < frames < _LONGEST_CLIP_FRAMES else None,
            fps=float(fps) if 0.1 <= fps <= 1000 else 25.0,
        )

    def _read_in_driver(self) -> tuple[bool, Any, float]:
        if self._capture is None:
            raise SourceFailed(f"{self._uri}: is not open; enter it before reading")
        is_read, picture = self._capture.read()
        return is_read, picture, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000

    def _check_end(self) -> None:
        """Whether nothing more to read is the end of a clip; a live source has none."""
        if not self.is_finite:
            raise SourceFailed(f"{self._uri}: the stream ended; it is to be opened again")
        if self._number == 0:
            raise SourceFailed(
                f"{self._uri}: holds no frame that OpenCV can decode; "
                "convert it, for instance with ffmpeg -i CLIP -c:v libx264 clip.mp4"
            )
        expected = self._clip.frames
        if expected is not None and self._number < expected * 0.95:
            _log.warning(
                "clip ended early", source=str(self._uri), frames=self._number, expected=expected
            )

    def _frame(self, picture: np.ndarray[Any, np.dtype[np.uint8]], position_s: float) -> Frame:
        if picture.ndim == 2:
            picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
        if self.is_finite:
            step = 1 / self._clip.fps
            at_s = position_s if position_s > self._last_at_s else self._last_at_s + step
            captured_at = self._started_at + timedelta(seconds=at_s)
        else:
            at_s, captured_at = self._clock(), self._utc_now()
        number, self._number, self._last_at_s = self._number, self._number + 1, at_s
        return Frame(
            picture=picture,
            captured_at=captured_at,
            at_s=at_s,
            number=number,
            origin=str(self._uri),
        )

    def _leave(self) -> None:
        """Gives the device back; a driver that hangs does so by itself once it returns."""
        driver, self._driver, self._pending = self._driver, None, None
        if driver is None:
            return
        driver.submit(self._release_in_driver)
        if not driver.finish(_RELEASE_S):
            _log.warning("capture hangs and is left behind", source=str(self._uri))

    def _release_in_driver(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()


def open_capture(uri: SourceUri, timeout_s: float) -> Capture:
    """OpenCV's capture for an address; whether it is open has to be asked."""
    # Whoever opens says what is wrong in a sentence: OpenCV's own lines on stderr would repeat it.
    opencv_logging.setLogLevel(opencv_logging.LOG_LEVEL_FATAL)
    if uri.scheme is Scheme.V4L2:
        device = cv2.VideoCapture(uri.target, cv2.CAP_V4L2)
        _configure(device, dict(uri.parameters))
        return device
    target = str(Path(uri.target).expanduser()) if uri.scheme is Scheme.FILE else uri.target
    timeouts = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(timeout_s * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(_READ_TIMEOUT_S * 1000)),
    ]
    return cv2.VideoCapture(target, cv2.CAP_FFMPEG, timeouts)


def _configure(device: cv2.VideoCapture, parameters: Mapping[str, str]) -> None:
    """Asks the device for a format; it takes the nearest that it has."""
    properties = {
        "width": cv2.CAP_PROP_FRAME_WIDTH,
        "height": cv2.CAP_PROP_FRAME_HEIGHT,
        "fps": cv2.CAP_PROP_FPS,
    }
    for key, value in parameters.items():
        device.set(properties[key], float(value))


def _check_file(target: str) -> None:
    path = Path(target).expanduser()
    if path.is_dir():
        raise SourceFailed(f"file:{target} is a folder; read pictures with images:{target}")
    if not path.is_file():
        raise SourceFailed(f"file:{target}: there is no such file; check the path")


def _remedy(scheme: Scheme) -> str:
    if scheme is Scheme.V4L2:
        return "check that the device exists, is free, and that the user is in the group video"
    if scheme is Scheme.RTSP:
        return "check address, user, password and that the camera is reachable"
    return "check that it is a clip; ffprobe shows what it holds"
