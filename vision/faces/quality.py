"""How good a face is for recognition: size, sharpness, pose and light, each 0..1. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vision.geometry import Box, Point
from vision.reading import FaceDetection, Picture

LEAST_PX = 40.0
"""Narrower faces are not recognised well (DESIGN.md: fine at 40 px, halved at 20)."""

FULL_PX = 80.0
_SHARP_SIDE_PX = 64
_SHARP_VARIANCE = 400.0
"""Laplacian variance of a 64 x 64 face that counts as sharp. 33 faces of 48 pixels and more in
photographs gave 700 to 1600 (tenth to ninetieth percentile), the same at half the resolution
80 to 200, blurred with a sigma of 2 of those pixels 10 to 26."""

_DARK, _BRIGHT = 40.0, 215.0
_LEAST_CONTRAST = 12.0
_EDGE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceQuality:
    """Each part is 0..1. `size` is 0 below 40 px of width, so that such faces have no quality."""

    size: float
    sharpness: float
    pose: float
    light: float

    @property
    def total(self) -> float:
        """0..1: one bad part spoils it."""
        return float((self.size * self.sharpness * self.pose * self.light) ** 0.5)

    def as_json(self) -> dict[str, Any]:
        return {
            "size": round(self.size, 3),
            "sharpness": round(self.sharpness, 3),
            "pose": round(self.pose, 3),
            "light": round(self.light, 3),
        }


def quality_of(picture: Picture, face: FaceDetection) -> FaceQuality:
    """Of a face in `picture`. Without landmarks its pose counts as good."""
    return FaceQuality(
        size=size_share(face.box.width),
        sharpness=sharpness(picture, face.box),
        pose=1.0 if face.landmarks is None else pose(face.landmarks),
        light=light(picture, face.box),
    )


def size_share(width_px: float) -> float:
    """0 below 40 px, half there, 1 from 80 px on."""
    if width_px < LEAST_PX:
        return 0.0
    return min(1.0, 0.5 + 0.5 * (width_px - LEAST_PX) / (FULL_PX - LEAST_PX))


def sharpness(picture: Picture, box: Box) -> float:
    """Contrast in fine detail of that part, 0..1, at a fixed size so that near and far compare."""
    grey = _grey_part(picture, box)
    if grey is None:
        return 0.0
    side = (_SHARP_SIDE_PX, _SHARP_SIDE_PX)
    small = cv2.resize(grey, side, interpolation=cv2.INTER_AREA)
    variance = float(np.var(cv2.Laplacian(small, cv2.CV_32F)))
    return min(1.0, variance / _SHARP_VARIANCE)


def light(picture: Picture, box: Box) -> float:
    """1 where the face is neither dark nor burnt out and shows contrast, falling to 0."""
    grey = _grey_part(picture, box)
    if grey is None:
        return 0.0
    mean, spread = float(grey.mean()), float(grey.std())
    lit = min((mean - _DARK) / _EDGE, (_BRIGHT - mean) / _EDGE) + 1.0
    return min(1.0, max(0.0, lit)) * min(1.0, spread / _LEAST_CONTRAST)


def pose(landmarks: tuple[Point, Point, Point, Point, Point]) -> float:
    """1 for a face seen from the front, 0 for a profile, by where the nose lies between the eyes.

    Turned sideways the nose tip comes nearer to one eye; looking up or down it comes nearer to the
    eyes' line or to the mouth's. The tilt of the head does not count: alignment undoes it.
    """
    left, right, nose, left_mouth, right_mouth = (np.asarray(point) for point in landmarks)
    eyes, mouth = (left + right) / 2, (left_mouth + right_mouth) / 2
    across, down = right - left, mouth - eyes
    width, height = float(np.hypot(*across)), float(np.hypot(*down))
    if width < 1e-6 or height < 1e-6:
        return 0.0
    turn = abs(float(np.dot(nose - eyes, across)) / width**2)
    nod = float(np.dot(nose - eyes, down)) / height**2
    sideways = 1.0 - min(1.0, turn / _PROFILE_TURN)
    upright = 1.0 - min(1.0, max(0.0, abs(nod - _FRONT_NOD) - _FREE_NOD) / _MOST_NOD)
    narrow = min(1.0, width / height / _LEAST_WIDTH)
    return sideways * upright * narrow


_PROFILE_TURN = 0.6
"""Of the distance of the eyes: the nose tip lies beyond one of them."""

_FRONT_NOD, _FREE_NOD, _MOST_NOD = 0.5, 0.15, 0.35
"""Of the way from eyes to mouth, where the nose tip lies (ArcFace's template: 0.49)."""

_LEAST_WIDTH = 0.5
"""Eyes to mouth, seen from the front, is about as long as the eyes are apart (template: 0.87)."""


def _grey_part(picture: Picture, box: Box) -> np.ndarray | None:
    height, width = picture.shape[:2]
    x, y, part_width, part_height = box.clipped(width, height).as_xywh()
    if part_width < 2 or part_height < 2:
        return None
    part = picture[y : y + part_height, x : x + part_width]
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY))
