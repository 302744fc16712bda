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
_EARLY_S = 0.005
"""Times in a file are rounded: a frame this much before its turn is on time."""
_WHOLE_SHARE = 0.95
"""A header's number of frames is an estimate in some containers."""


def sampled_pictures(path: Path, *, per_second: float) -> Iterator[tuple[float, Picture]]:
    """Seconds from the clip's start and the picture there, `per_second` of them at most.

    The times are those of the clip's frames; where it gives none, they are counted at its rate,
    and a clip that says no rate is taken for one of 25. Raises `BadPicture` naming the file when it
    cannot be opened or holds no frame, and at the end when it breaks off before the frames that its
    header promises.
    """
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise BadPicture(f"{path}: no clip that OpenCV can open; is it complete?")
        rate = capture.get(cv2.CAP_PROP_FPS)
        rate = rate if 0 < rate < 1000 else _USUAL_RATE
        promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        number, at_s, due_s, start_s = 0, 0.0, 0.0, 0.0
        while capture.grab():
            told_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if number == 0:
                start_s = told_s
            else:
                at_s = told_s - start_s if told_s - start_s > at_s else at_s + 1 / rate
            if at_s >= due_s - _EARLY_S:
                taken, picture = capture.retrieve()
                if taken:
                    yield at_s, np.asarray(picture, dtype=np.uint8)
                due_s = max(due_s + 1 / per_second, at_s + 0.5 / per_second)
            number += 1
        if number == 0:
            raise BadPicture(f"{path}: the clip holds no frame")
        if number < promised * _WHOLE_SHARE:
            raise BadPicture(
                f"{path}: the clip breaks off at {at_s:.1f} s, after {number} of {promised:.0f} "
                "frames; is it complete?"
            )
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
