"""Makes parts of a picture unrecognisable. Never changes the picture that it is given."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from vision.geometry import Box
from vision.reading import Picture

CELLS = 6
"""Across the shorter side of what is blurred: faces and characters need several times as many."""

_GROWN = 0.15


def blurred(picture: Picture, boxes: Iterable[Box]) -> Picture:
    """A copy in which each box, grown by 15% on each side, is left with a few soft cells.

    The detail is averaged away, not only smeared: no sharpening brings it back.
    """
    hidden = picture.copy()
    height, width = picture.shape[:2]
    for box in boxes:
        grown = box.grown(box.width * _GROWN, box.height * _GROWN).clipped(width, height)
        left, top = int(grown.x1), int(grown.y1)
        right, bottom = int(np.ceil(grown.x2)), int(np.ceil(grown.y2))
        if right > left and bottom > top:
            hidden[top:bottom, left:right] = _cells(picture[top:bottom, left:right])
    return hidden


def _cells(part: Picture) -> Picture:
    height, width = part.shape[:2]
    cell_px = max(1.0, min(height, width) / CELLS)
    few = (max(1, round(width / cell_px)), max(1, round(height / cell_px)))
    small = cv2.resize(part, few, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
