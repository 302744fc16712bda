"""Lays a face upright into the square that recognition networks were trained on."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.geometry import Point
from vision.reading import Picture

ALIGNED_SIDE = 112
"""Pixels of the square's side."""

TEMPLATE: tuple[Point, ...] = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Where eyes, nose tip and mouth corners come to lie in it (ArcFace: Deng, Guo, Xue, Zafeiriou
2019; the five-point template of its published alignment)."""


def similarity(source: Sequence[Point], target: Sequence[Point]) -> NDArray[np.float64]:
    """The turn, scale and shift (2, 3) that bring `source` closest to `target` in least squares.

    Umeyama 1991, equations 40 to 42. Raises ValueError where the points of `source` coincide.
    """
    start, end = np.asarray(source, np.float64), np.asarray(target, np.float64)
    start_mean, end_mean = start.mean(axis=0), end.mean(axis=0)
    start, end = start - start_mean, end - end_mean
    variance = (start**2).sum() / len(start)
    if variance < 1e-12:
        raise ValueError(f"the points {list(source)} coincide: they say nothing of size and turn")
    u, strengths, vt = np.linalg.svd(end.T @ start / len(start))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    turn = (u * signs) @ vt
    scale = (strengths * signs).sum() / variance
    return np.column_stack([scale * turn, end_mean - scale * turn @ start_mean])


def aligned(picture: Picture, landmarks: Sequence[Point]) -> Picture:
    """The face (112, 112, 3) with its landmarks where `TEMPLATE` has them; black outside.

    Raises ValueError where the landmarks coincide.
    """
    matrix = similarity(landmarks, TEMPLATE)
    laid = cv2.warpAffine(picture, matrix, (ALIGNED_SIDE, ALIGNED_SIDE), flags=cv2.INTER_LINEAR)
    return np.asarray(laid, dtype=np.uint8)
