"""Finds plates and their corners with LPD-YuNet (OpenCV's model zoo), trained on Chinese plates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vision.backends.backend import Backend, Tensor
from vision.detectors.detection import ObjectDetection, distinct
from vision.errors import ModelFailed
from vision.geometry import Box, Point, Quad
from vision.input import InputSpec, Letterbox, letterbox
from vision.reading import Picture

LEAST_CONFIDENCE = 0.8
MOST_OVERLAP = 0.3

_STEPS = (8, 16, 32, 64)
_SIZES = ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))
_VARIANCE = 0.1
_CORNERS = ((4, 5), (6, 7), (10, 11), (12, 13))
"""Where the plate's corners are in a row of `loc`, one after the other around it; 0 to 3 are a box,
8 and 9 a middle that nobody needs."""


class LpdYunetDetector:
    """See `vision.detectors.detection.ObjectDetector`. The network's input has a fixed size."""

    def __init__(
        self, backend: Backend, pixels: InputSpec, *, least_confidence: float = LEAST_CONFIDENCE
    ) -> None:
        names = set(backend.output_names)
        _, _, height, width = backend.input_shape
        if names != {"loc", "conf", "iou"} or height is None or width is None:
            raise ModelFailed(
                f"model {backend.name}: it has outputs {sorted(names)} for an input of "
                f"{backend.input_shape}, expected loc, conf and iou for a fixed one; it is no "
                "LPD-YuNet"
            )
        self._backend = backend
        self._pixels = pixels
        self._size = height, width
        self._least_confidence = least_confidence

    @property
    def model(self) -> str:
        return self._backend.name

    def detect(self, picture: Picture) -> tuple[ObjectDetection, ...]:
        frame, framed = letterbox(picture, fixed=self._size, most_side=max(self._size))
        found = self._backend.run(self._pixels.tensor(framed))
        outputs = dict(zip(self._backend.output_names, found, strict=True))
        anchors = anchors_of(*self._size)
        if len(outputs["loc"].reshape(-1, 14)) != len(anchors):
            raise ModelFailed(
                f"model {self.model}: {outputs['loc'].shape} for {len(anchors)} anchors; it is no "
                "LPD-YuNet of this size"
            )
        corners, scores = decoded(outputs, anchors, self._size)
        sure = np.flatnonzero(scores >= self._least_confidence)
        plates = [_detection(frame, corners[i], float(scores[i])) for i in sure]
        return distinct(plates, most_overlap=MOST_OVERLAP)


def decoded(
    outputs: dict[str, Tensor], anchors: NDArray[np.float32], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Corners (n, 4, 2) in pixels of the input and scores (n,).

    A corner is an offset from its anchor's centre in tenths of the anchor's size; the score is the
    geometric mean of the plate's probability and of how well the box is said to fit.
    """
    places = outputs["loc"].reshape(-1, 14)
    plate = outputs["conf"].reshape(-1, 2)[:, 1].clip(0, 1)
    fit = outputs["iou"].reshape(-1).clip(0, 1)
    offsets = np.stack([places[:, list(pair)] for pair in _CORNERS], axis=1)
    shares = anchors[:, np.newaxis, :2] + offsets * _VARIANCE * anchors[:, np.newaxis, 2:]
    height, width = size
    return shares * np.array([width, height], dtype=np.float32), np.sqrt(plate * fit)


@lru_cache(maxsize=4)
def anchors_of(height: int, width: int) -> NDArray[np.float32]:
    """(n, 4): centre x, y and width, height as shares of the input; row by row of each map."""
    rows, columns = (height + 1) // 2 // 2, (width + 1) // 2 // 2
    anchors = []
    for step, sizes in zip(_STEPS, _SIZES, strict=True):
        rows, columns = rows // 2, columns // 2
        for row in range(rows):
            for column in range(columns):
                centre = (column + 0.5) * step / width, (row + 0.5) * step / height
                anchors += [(*centre, size / width, size / height) for size in sizes]
    return np.array(anchors, dtype=np.float32)


def _detection(frame: Letterbox, corners: NDArray[np.float32], score: float) -> ObjectDetection:
    points = ordered([frame.point(float(x), float(y)) for x, y in corners])
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return ObjectDetection(
        box=Box(x1=min(xs), y1=min(ys), x2=max(xs), y2=max(ys)),
        label="",
        confidence=score,
        corners=points,
    )


def ordered(points: Sequence[Point]) -> Quad:
    """Four corners as top left, top right, bottom right, bottom left, whatever began."""
    middle_x, middle_y = (sum(axis) / 4 for axis in zip(*points, strict=True))
    around = sorted(points, key=lambda point: math.atan2(point[1] - middle_y, point[0] - middle_x))
    first = min(range(4), key=lambda index: sum(around[index]))
    a, b, c, d = (around[(first + step) % 4] for step in range(4))
    return a, b, c, d
