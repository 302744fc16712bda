"""Candidates of a face network made into faces: the best of overlapping ones, in picture pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box, Point
from vision.input import Letterbox
from vision.reading import FaceDetection

NMS_IOU = 0.3
"""Boxes that overlap a more certain one by more than this are the same face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCandidates:
    """Scores (n,), boxes (n, 4) x1 y1 x2 y2, landmarks (n, 5, 2), in pixels of the input."""

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]


def faces_of(candidates: Sequence[FaceCandidates], frame: Letterbox) -> tuple[FaceDetection, ...]:
    """One face for each place, the most certain first, in the picture's pixels."""
    scores = np.concatenate([one.scores for one in candidates])
    boxes = np.concatenate([one.boxes for one in candidates])
    landmarks = np.concatenate([one.landmarks for one in candidates])
    return tuple(
        _face(frame, float(scores[i]), boxes[i], landmarks[i])
        for i in distinct(boxes, scores, NMS_IOU)
    )


def distinct(boxes: NDArray[np.float32], scores: NDArray[np.float32], iou: float) -> Sequence[int]:
    """Indices of the boxes (n, 4) that overlap no more certain one by more than `iou`."""
    order = [int(index) for index in np.argsort(-scores, kind="stable")]
    kept: list[int] = []
    for index in order:
        box = _box(boxes[index])
        if all(box.iou(_box(boxes[other])) <= iou for other in kept):
            kept.append(index)
    return kept


def _box(corners: NDArray[np.float32]) -> Box:
    x1, y1, x2, y2 = (float(value) for value in corners)
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


def _face(
    frame: Letterbox, score: float, corners: NDArray[np.float32], points: NDArray[np.float32]
) -> FaceDetection:
    def point(index: int) -> Point:
        return frame.point(float(points[index][0]), float(points[index][1]))

    x1, y1, x2, y2 = (float(value) for value in corners)
    return FaceDetection(
        box=frame.box(x1, y1, x2, y2),
        confidence=score,
        landmarks=(point(0), point(1), point(2), point(3), point(4)),
    )
