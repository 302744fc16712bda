"""A frame source and an OpenCV capture that do what a script says, for faults on demand."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import numpy as np

from agent.camera.errors import SourceFailed, SourceTimedOut
from agent.camera.frame import Frame

STARTED_AT = datetime(2024, 8, 6, 10, 30, tzinfo=UTC)


class Step(Enum):
    """What one read does."""

    FRAME = "a frame"
    HANG = "nothing until the timeout"
    STUCK = "does not return, timeout or not, before release()"
    FAIL = "breaks as a driver does"
    BUG = "raises what no source should"
    END = "the end"


class FakeSource:
    """One script for each time that it is opened; the last one is used again from then on.

    Frames are 8x8 pixels of the run's number, a second apart. At a script's end it ends.
    """

    def __init__(self, *runs: list[Step], is_finite: bool = True) -> None:
        self._runs = runs
        self._is_finite = is_finite
        self._opened = 0
        self.closed = 0
        self._script: list[Step] | None = None
        self._position = 0
        self._number = 0
        self._released = threading.Event()

    @property
    def opened(self) -> int:
        """How often it was entered."""
        return self._opened

    @property
    def is_finite(self) -> bool:
        return self._is_finite

    @property
    def total_frames(self) -> int | None:
        return self._runs[0].count(Step.FRAME) if self._is_finite else None

    def release(self) -> None:
        """Lets a read that is stuck return."""
        self._released.set()

    def __enter__(self) -> FakeSource:
        self._script = self._runs[min(self._opened, len(self._runs) - 1)]
        self._opened += 1
        self._position = self._number = 0
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._script = None
        self.closed += 1

    def read(self, timeout_s: float) -> Frame | None:
        if self._script is None:
            raise SourceFailed("fake: is not open")
        step = self._script[self._position] if self._position < len(self._script) else Step.END
        if step is Step.END:
            return None
        if step is Step.HANG:
            self._released.wait(timeout_s)
            raise SourceTimedOut("fake: hangs")
        self._position += 1
        if step is Step.STUCK:
            self._released.wait()
        if step is Step.FAIL:
            raise SourceFailed("fake: broke")
        if step is Step.BUG:
            raise KeyError("fake: a bug")
        return self._frame()

    def _frame(self) -> Frame:
        number, self._number = self._number, self._number + 1
        return Frame(
            picture=np.full((8, 8, 3), self._opened, dtype=np.uint8),
            captured_at=STARTED_AT + timedelta(seconds=number),
            at_s=float(number),
            number=number,
        )


class FakeCapture:
    """What `cv2.VideoCapture` is to a camera: so many frames, then `then`."""

    def __init__(self, frames: int, then: Step) -> None:
        self._left = frames
        self._then = then
        self._unblocked = threading.Event()
        self.is_released = threading.Event()

    def unblock(self) -> None:
        """Lets a read that is stuck return."""
        self._unblocked.set()

    def give(self, frames: int) -> None:
        """Lets a read that is stuck return the first of so many more frames, then the end."""
        self._left, self._then = frames, Step.END
        self._unblocked.set()

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def read(self) -> tuple[bool, Any]:
        if self._left == 0 and self._then is Step.STUCK:
            self._unblocked.wait()
        if self._left == 0:
            return False, None
        self._left -= 1
        return True, np.zeros((6, 8, 3), dtype=np.uint8)

    def get(self, property_id: int) -> float:
        return 0.0

    def release(self) -> None:
        self.is_released.set()
