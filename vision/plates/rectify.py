"""Cuts a line of text out of a picture and lays it straight."""

from __future__ import annotations

import cv2
import numpy as np

from vision.geometry import Quad
from vision.reading import Picture


def scaled(quad: Quad, *, along: float, across: float) -> Quad:
    """`quad` grown about its centre: by `along` in reading direction, `across` at right angles."""
    center_x = sum(x for x, _ in quad) / 4
    center_y = sum(y for _, y in quad) / 4
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = quad
    right = ((bx + cx - ax - dx) / 4 * along, (by + cy - ay - dy) / 4 * along)
    down = ((dx + cx - ax - bx) / 4 * across, (dy + cy - ay - by) / 4 * across)

    return (
        (center_x - right[0] - down[0], center_y - right[1] - down[1]),
        (center_x + right[0] - down[0], center_y + right[1] - down[1]),
        (center_x + right[0] + down[0], center_y + right[1] + down[1]),
        (center_x - right[0] + down[0], center_y - right[1] + down[1]),
    )


def rectified(picture: Picture, quad: Quad, *, width: int, height: int) -> Picture:
    """The pixels inside `quad` as an upright picture of that size.

    Pixels outside the picture repeat its edge. A quad much larger than the crop is averaged down
    first, so that thin strokes do not vanish between the sampling points.
    """
    corners = np.array(quad, dtype=np.float32)
    source_height = max(1.0, float(np.hypot(*(corners[3] - corners[0]))))
    shrink = 1
    while source_height / shrink > 2 * height:
        shrink *= 2
    if shrink > 1:
        picture, corners = _shrunk(picture, corners, shrink)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(corners, target)
    warped = cv2.warpPerspective(
        picture,
        transform,
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, dtype=np.uint8)


def _shrunk(picture: Picture, corners: np.ndarray, factor: int) -> tuple[Picture, np.ndarray]:
    """The picture's part around `corners` made smaller by `factor`, and the corners in it."""
    height, width = picture.shape[:2]
    margin = 2 * factor
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int) - margin, 0, (width, height))
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int) + margin, 0, (width, height))
    part = picture[top:bottom, left:right]
    if part.shape[0] < factor or part.shape[1] < factor:
        return picture, corners
    size = (max(1, part.shape[1] // factor), max(1, part.shape[0] // factor))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    scale = np.array([size[0] / part.shape[1], size[1] / part.shape[0]], dtype=np.float32)
    moved = (corners - np.array([left, top], dtype=np.float32)) * scale
    return np.asarray(small, dtype=np.uint8), np.asarray(moved, dtype=np.float32)
