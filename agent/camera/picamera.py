"""The Raspberry Pi camera module: answers what is missing until its driver is served."""

from __future__ import annotations

import importlib.util

from agent.camera.errors import SourceFailed
from agent.camera.frame import Frame


class PicameraSource:
    """A source that cannot be opened yet and says why."""

    def __init__(self, camera: int) -> None:
        self._camera = camera

    @property
    def is_finite(self) -> bool:
        return False

    @property
    def total_frames(self) -> int | None:
        return None

    def __enter__(self) -> PicameraSource:
        if importlib.util.find_spec("picamera2") is None:
            raise SourceFailed(
                f"picamera:{self._camera}: the Python package picamera2 is missing; on Raspberry "
                "Pi OS run: sudo apt install python3-picamera2, and make the virtual environment "
                "with --system-site-packages"
            )
        raise SourceFailed(
            f"picamera:{self._camera}: this version does not drive picamera2 yet; "
            "use v4l2:/dev/video0 meanwhile"
        )

    def __exit__(self, *exc_info: object) -> None:
        return None

    def read(self, timeout_s: float) -> Frame | None:  # noqa: ARG002 - never open
        raise SourceFailed(f"picamera:{self._camera} is not open; enter it before reading")
