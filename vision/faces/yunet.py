"""Finds faces and their five landmarks with YuNet (Wu, Peng, Yu 2023) on any backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.backends.backend import Backend, Tensor
from vision.errors import ModelFailed
from vision.geometry import Box, Point
from vision.reading import FaceDetection, Picture

MOST_SIDE = 640
"""Larger pictures are scaled down to it (DESIGN.md: at native size recall fell to half)."""

LEAST_CONFIDENCE = 0.6
NMS_IOU = 0.3
"""Boxes that overlap a more certain one by more than this are the same face."""

_STRIDES = (8, 16, 32)
_LANDMARKS = 5


class YunetFaceDetector:
    """YuNet with landmarks; see `vision.reading.FaceDetector`.

    The backend's network has outputs `cls_8 .. kps_32`, one value, four or ten for each cell of
    each stride. A network of fixed size gets the picture scaled into its top left corner.
    """

    def __init__(self, backend: Backend, *, least_confidence: float = LEAST_CONFIDENCE) -> None:
        expected = {f"{kind}_{s}" for kind in ("cls", "obj", "bbox", "kps") for s in _STRIDES}
        missing = expected - set(backend.output_names)
        if missing:
            raise ModelFailed(
                f"model {backend.name}: it has no outputs {sorted(missing)}, "
                f"but {list(backend.output_names)}; it is no YuNet"
            )
        self._backend = backend
        self._least_confidence = least_confidence

    @property
    def model(self) -> str:
        return self._backend.name

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        tensor, ratio = self._tensor(picture)
        outputs = dict(zip(self._backend.output_names, self._backend.run(tensor), strict=True))
        cells = [
            decode_stride(outputs, stride, tensor.shape[3] // stride, self._least_confidence)
            for stride in _STRIDES
        ]
        scores = np.concatenate([cell.scores for cell in cells])
        boxes = (np.concatenate([cell.boxes for cell in cells]) / ratio).astype(np.float32)
        landmarks = np.concatenate([cell.landmarks for cell in cells]) / ratio
        return tuple(
            _face(float(scores[i]), boxes[i], landmarks[i])
            for i in distinct(boxes, scores, NMS_IOU)
        )

    def _tensor(self, picture: Picture) -> tuple[Tensor, float]:
        """Shape (1, 3, height, width), blue green red, 0..255; and its scale to the picture."""
        height, width = picture.shape[:2]
        _, _, fixed_height, fixed_width = self._backend.input_shape
        if fixed_height is not None and fixed_width is not None:
            ratio = min(fixed_height / height, fixed_width / width)
        else:
            ratio = min(1.0, MOST_SIDE / max(height, width))
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        way = cv2.INTER_AREA if ratio < 1.0 else cv2.INTER_LINEAR
        scaled = cv2.resize(picture, size, interpolation=way)
        stride = _STRIDES[-1]
        rows = fixed_height or -(-size[1] // stride) * stride
        columns = fixed_width or -(-size[0] // stride) * stride
        tensor = np.zeros((1, 3, rows, columns), dtype=np.float32)
        tensor[0, :, : size[1], : size[0]] = scaled.transpose(2, 0, 1)
        return tensor, ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class StrideDetections:
    """Cells above the threshold: scores (n,), boxes (n, 4) x1 y1 x2 y2, landmarks (n, 5, 2)."""

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]


def decode_stride(
    outputs: dict[str, Tensor], stride: int, columns: int, least_confidence: float
) -> StrideDetections:
    """The faces that the cells of one stride tell of, in pixels of the network's input.

    A cell's score is the geometric mean of class and objectness; its box is a centre relative to
    the cell and a size in powers of e, both in strides; a landmark is relative to the cell.
    """
    classes = outputs[f"cls_{stride}"][0, :, 0].clip(0, 1)
    objectness = outputs[f"obj_{stride}"][0, :, 0].clip(0, 1)
    scores = np.sqrt(classes * objectness)
    keep = np.flatnonzero(scores >= least_confidence)
    cells = np.stack([keep % columns, keep // columns], axis=1).astype(np.float32)
    raw = outputs[f"bbox_{stride}"][0, keep]
    centers = (cells + raw[:, :2]) * stride
    halves = np.exp(raw[:, 2:]) * stride / 2
    points = outputs[f"kps_{stride}"][0, keep].reshape(-1, _LANDMARKS, 2)
    return StrideDetections(
        scores=scores[keep],
        boxes=np.concatenate([centers - halves, centers + halves], axis=1),
        landmarks=(points + cells[:, np.newaxis]) * stride,
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
    return Box(
        x1=float(corners[0]), y1=float(corners[1]), x2=float(corners[2]), y2=float(corners[3])
    )


def _face(
    score: float, corners: NDArray[np.float32], points: NDArray[np.floating]
) -> FaceDetection:
    def point(index: int) -> Point:
        return float(points[index][0]), float(points[index][1])

    return FaceDetection(
        box=_box(corners),
        confidence=score,
        landmarks=(point(0), point(1), point(2), point(3), point(4)),
    )
