"""Finds lines of text in a probability map (DB post-processing). Runs no network.

Differentiable binarization, Liao et al. 2020 (arXiv:1911.08947), section 3.5: the network marks
the shrunken core of each line; a line is its core grown outwards by `area * ratio / perimeter`.
Plates are rectangles, so the growth is computed on the smallest rotated rectangle directly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.geometry import Point, Quad

CORE_THRESHOLD = 0.3
"""Probability from which a map pixel belongs to a core (the models' own default)."""

UNCLIP_RATIO = 1.6
"""Growth of a core into its line (the models' own default)."""

_LEAST_CORE_SIDE = 3.0
_MOST_REGIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRegion:
    """One line of text: its corners as the text runs, and the mean probability in its core."""

    quad: Quad
    score: float

    @property
    def width(self) -> float:
        return math.dist(self.quad[0], self.quad[1])

    @property
    def height(self) -> float:
        return math.dist(self.quad[0], self.quad[3])


def text_regions(
    probability: NDArray[np.float32],
    *,
    scale_x: float,
    scale_y: float,
    least_score: float,
) -> tuple[TextRegion, ...]:
    """Lines in a map of shape (height, width), in the pixels of the picture behind it.

    `scale_x` and `scale_y` are picture pixels for each map pixel. Regions whose score is below
    `least_score` are left out; the widest come first, at most 200 of them.
    """
    cores = (probability > CORE_THRESHOLD).astype(np.uint8)
    joined = cv2.dilate(cores, np.ones((2, 2), dtype=np.uint8))
    contours, _ = cv2.findContours(joined, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    regions: list[TextRegion] = []
    for contour in contours:
        rectangle = cv2.minAreaRect(contour)
        if min(rectangle[1]) < _LEAST_CORE_SIDE:
            continue
        corners = np.asarray(cv2.boxPoints(rectangle), dtype=np.float32)
        score = _mean_inside(probability, corners)
        if score < least_score:
            continue
        quad = _quad(*_grown(rectangle))
        scaled = tuple((x * scale_x, y * scale_y) for x, y in quad)
        regions.append(TextRegion(quad=(scaled[0], scaled[1], scaled[2], scaled[3]), score=score))
    regions.sort(key=lambda region: -region.width)
    return tuple(regions[:_MOST_REGIONS])


def _grown(
    rectangle: tuple[Sequence[float], Sequence[float], float],
) -> tuple[Point, float, float, float]:
    """Centre, width, height and angle of the line around a core."""
    center, size, angle = rectangle
    width, height = size
    distance = width * height * UNCLIP_RATIO / (2 * (width + height))
    return (center[0], center[1]), width + 2 * distance, height + 2 * distance, angle


def _quad(center: Point, width: float, height: float, angle_deg: float) -> Quad:
    """Corners as the text runs: along the longer side, left to right (downwards if upright)."""
    if width < height:
        width, height, angle_deg = height, width, angle_deg + 90.0
    angle = math.radians(angle_deg)
    along = (math.cos(angle), math.sin(angle))
    if along[0] < -1e-6 or (abs(along[0]) <= 1e-6 and along[1] < 0):
        along = (-along[0], -along[1])
    down = (-along[1], along[0])

    def corner(right: float, below: float) -> Point:
        return (
            center[0] + along[0] * right * width / 2 + down[0] * below * height / 2,
            center[1] + along[1] * right * width / 2 + down[1] * below * height / 2,
        )

    return corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)


def _mean_inside(probability: NDArray[np.float32], corners: NDArray[np.float32]) -> float:
    """Mean of the map inside a quadrilateral (its part inside the map)."""
    height, width = probability.shape
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, (width - 1, height - 1))
    mask = np.zeros((bottom - top + 1, right - left + 1), dtype=np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(probability[top : bottom + 1, left : right + 1], mask)[0])
