"""How sharp a plate is in its picture. Reads nothing."""

from __future__ import annotations

import cv2
import numpy as np

from vision.geometry import Box
from vision.reading import Picture

_SIZE = (96, 24)
"""Width and height in pixels at which near and far plates are compared."""
_LEAST_VARIANCE = 4.0


def plate_sharpness(picture: Picture, box: Box) -> float:
    """Contrast of fine detail against contrast as a whole: variance of the Laplacian (Pech-Pacheco
    and others, ICPR 2000) over that of the grey values, so that light and paint do not count.

    0 for what shows nothing; to be compared between pictures of one plate only.
    """
    height, width = picture.shape[:2]
    x, y, part_width, part_height = box.clipped(width, height).as_xywh()
    if part_width < 2 or part_height < 2:
        return 0.0
    grey = cv2.cvtColor(picture[y : y + part_height, x : x + part_width], cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, _SIZE, interpolation=cv2.INTER_AREA)
    contrast = max(float(np.var(small)), _LEAST_VARIANCE)
    return float(np.var(cv2.Laplacian(small, cv2.CV_32F))) / contrast
