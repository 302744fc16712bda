"""Finds faces with the boosted cascade that OpenCV's wheel carries. Gives no landmarks."""

from __future__ import annotations

import math
from pathlib import Path

import cv2

from vision.errors import ModelFailed
from vision.geometry import Box
from vision.manifest import locate, model_entry
from vision.reading import FaceDetection, Picture

MODEL = "opencv-frontalface"

MOST_SIDE = 640
"""Larger pictures are scaled down to it: at native size recall fell to half (DESIGN.md)."""

LEAST_FACE_PX = 30
"""Smallest face that is looked for, in pixels of the scaled picture."""

LEAST_CONFIDENCE = 0.65
"""Below it, most detections on photographs with and without faces were none (`confidence_of`)."""

_SCALE_STEP = 1.1
_MIN_NEIGHBOURS = 5
_LEVEL_MIDDLE, _LEVEL_SPREAD = 3.5, 1.5


class CascadeFaceDetector:
    """The embedded default; see `vision.reading.FaceDetector`.

    `confidence` is the logistic function of the last stage's weight, with its middle (0.5) at
    3.5 and a spread of 1.5: a ranking, not a probability, as a cascade has none to give. Raises
    `ModelMissing` or `ModelFailed`.
    """

    def __init__(
        self, *, path: Path | None = None, least_confidence: float = LEAST_CONFIDENCE
    ) -> None:
        """`path` is another cascade file than the one in OpenCV's wheel."""
        path = locate(model_entry(MODEL)) if path is None else path
        try:
            self._cascade = cv2.CascadeClassifier(str(path))
        except (cv2.error, SystemError) as error:  # OpenCV lets its parser's error out as both
            raise ModelFailed(f"model {MODEL}: {path} cannot be parsed ({error})") from error
        if self._cascade.empty():
            raise ModelFailed(f"model {MODEL}: OpenCV {cv2.__version__} does not load {path}")
        self._least_confidence = least_confidence

    @property
    def model(self) -> str:
        return MODEL

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        height, width = picture.shape[:2]
        ratio = min(1.0, MOST_SIDE / max(height, width, 1))
        size = max(1, round(width * ratio)), max(1, round(height * ratio))
        try:
            grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            if ratio < 1.0:
                grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
            grey = cv2.equalizeHist(grey)
            boxes, _, weights = self._cascade.detectMultiScale3(
                grey,
                scaleFactor=_SCALE_STEP,
                minNeighbors=_MIN_NEIGHBOURS,
                minSize=(LEAST_FACE_PX, LEAST_FACE_PX),
                outputRejectLevels=True,
            )
        except cv2.error as error:
            raise ModelFailed(
                f"model {MODEL}: a picture of shape {picture.shape} broke it ({error.msg})"
            ) from error
        faces = [
            FaceDetection(
                box=Box.from_xywh(*(float(value) / ratio for value in box)),
                confidence=confidence_of(float(weight)),
            )
            for box, weight in zip(boxes, weights, strict=True)
        ]
        kept = [face for face in faces if face.confidence >= self._least_confidence]
        return tuple(sorted(kept, key=lambda face: -face.confidence))


def confidence_of(level_weight: float) -> float:
    """The last stage's weight as 0..1; see the class."""
    return 1 / (1 + math.exp(-(level_weight - _LEVEL_MIDDLE) / _LEVEL_SPREAD))
