"""Fewer or smaller frames on request, between whoever captures and whoever reads."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final, Protocol

import cv2
import numpy as np

from agent.camera.errors import SourceTimedOut
from agent.camera.frame import Frame

LEAST_SIDE_PX: Final = 320
"""Smaller pictures show no readable plate: they are not made smaller still."""


class Frames(Protocol):
    """Where frames come from."""

    def next(self, timeout_s: float) -> Frame | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ease:
    """`interval_s` at least between two frames, by their own time; `scale` of the sides, 0..1."""

    interval_s: float = 0.0
    scale: float = 1.0


class EasedFrames:
    """`next` as that of the frames behind it. `ease` may be called from any thread."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._ease = Ease()
        self._last_at_s: float | None = None
        self.left_out = 0

    def ease(self, ease: Ease) -> None:
        """From the next frame on."""
        self._ease = ease

    def next(self, timeout_s: float) -> Frame | None:
        """The next frame that is not left out; None and errors as they come."""
        end_s = time.monotonic() + timeout_s
        while True:
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                raise SourceTimedOut("frames are left out to save memory")
            frame = self._frames.next(left_s)
            if frame is None:
                return None
            if self._is_wanted(frame):
                self._last_at_s = frame.at_s
                return scaled(frame, self._ease.scale)
            self.left_out += 1

    def _is_wanted(self, frame: Frame) -> bool:
        if self._last_at_s is None or frame.at_s < self._last_at_s:
            return True
        return frame.at_s - self._last_at_s >= self._ease.interval_s


def scaled(frame: Frame, scale: float) -> Frame:
    """The frame with its sides scaled down, but not below `LEAST_SIDE_PX`."""
    height, width = frame.picture.shape[:2]
    share = max(scale, LEAST_SIDE_PX / min(height, width))
    if share >= 1.0:
        return frame
    size = (round(width * share), round(height * share))
    picture = cv2.resize(frame.picture, size, interpolation=cv2.INTER_AREA)
    return replace(frame, picture=np.asarray(picture, dtype=np.uint8), luma=None)
