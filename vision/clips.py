"""Takes pictures out of clips at a steady rate. Never looks at what they show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from vision.errors import BadPicture
from vision.reading import Picture

CLIP_SUFFIXES = frozenset(
    {".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"}
)
_USUAL_RATE = 25.0


def sampled_pictures(path: Path, *, per_second: float) -> Iterator[tuple[float, Picture]]:
    """Seconds from the clip's start and the picture there, `per_second` of them at most.

    A clip that says no frame rate is taken for one of 25. Raises `BadPicture` naming the file
    when it cannot be opened or holds no frame; one that breaks off later just ends.
    """
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise BadPicture(f"{path}: no clip that OpenCV can open; is it complete?")
        rate = capture.get(cv2.CAP_PROP_FPS)
        rate = rate if 0 < rate < 1000 else _USUAL_RATE
        step = max(1, round(rate / per_second))
        number = 0
        while capture.grab():
            if number % step == 0:
                taken, picture = capture.retrieve()
                if taken:
                    yield number / rate, np.asarray(picture, dtype=np.uint8)
            number += 1
        if number == 0:
            raise BadPicture(f"{path}: the clip holds no frame")
    finally:
        capture.release()


def count_sampled(path: Path, *, per_second: float) -> int:
    """About how many pictures `sampled_pictures` will give, by the clip's header; for progress."""
    capture = cv2.VideoCapture(str(path))
    try:
        frames, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        return max(1, round(frames / rate * per_second)) if frames > 0 and rate > 0 else 1
    finally:
        capture.release()
