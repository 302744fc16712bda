"""Finds faces and their five landmarks with YuNet (Wu, Peng, Yu 2023) on any backend."""

from __future__ import annotations

import numpy as np

from vision.backends.backend import Backend, Tensor
from vision.errors import ModelFailed
from vision.faces.face_boxes import FaceCandidates, faces_of
from vision.input import InputSpec, letterbox, parse_input
from vision.reading import FaceDetection, Picture

MOST_SIDE = 640
"""Larger pictures are scaled down to it (DESIGN.md: at native size recall fell to half)."""

LEAST_CONFIDENCE = 0.6

_STRIDES = (8, 16, 32)
_LANDMARKS = 5
_KINDS = ("cls", "obj", "bbox", "kps")


class YunetFaceDetector:
    """YuNet with landmarks; see `vision.reading.FaceDetector`.

    The backend's network has outputs `cls_8 .. kps_32`, one value, four or ten for each cell of
    each stride. A network of fixed size gets the picture scaled into its top left corner.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        pixels: InputSpec | None = None,
        least_confidence: float = LEAST_CONFIDENCE,
    ) -> None:
        """`pixels` is what the network takes; blue green red, 0..255 where it is not said."""
        expected = {f"{kind}_{stride}" for kind in _KINDS for stride in _STRIDES}
        missing = expected - set(backend.output_names)
        if missing:
            raise ModelFailed(
                f"model {backend.name}: it has no outputs {sorted(missing)}, "
                f"but {list(backend.output_names)}; it is no YuNet"
            )
        self._backend = backend
        self._pixels = pixels or parse_input("3x0x0 bgr 0..255")
        self._least_confidence = least_confidence

    @property
    def model(self) -> str:
        return self._backend.name

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        _, _, rows, columns = self._backend.input_shape
        frame, framed = letterbox(picture, fixed=(rows, columns), most_side=MOST_SIDE)
        found = self._backend.run(self._pixels.tensor(framed))
        outputs = dict(zip(self._backend.output_names, found, strict=True))
        candidates = [
            decode_stride(outputs, stride, frame.width // stride, self._least_confidence)
            for stride in _STRIDES
        ]
        return faces_of(candidates, frame)


def decode_stride(
    outputs: dict[str, Tensor], stride: int, columns: int, least_confidence: float
) -> FaceCandidates:
    """The faces that the cells of one stride tell of, in pixels of the network's input.

    A cell's score is the geometric mean of class and objectness; its box is a centre relative to
    the cell and a size in powers of e, both in strides; a landmark is relative to the cell.
    """
    classes, objectness, raw, points = (outputs[f"{kind}_{stride}"] for kind in _KINDS)
    scores = np.sqrt(classes.reshape(-1).clip(0, 1) * objectness.reshape(-1).clip(0, 1))
    keep = np.flatnonzero(scores >= least_confidence)
    cells = np.stack([keep % columns, keep // columns], axis=1).astype(np.float32)
    boxes = raw.reshape(-1, 4)[keep]
    centers = (cells + boxes[:, :2]) * stride
    halves = np.exp(boxes[:, 2:]) * stride / 2
    marks = points.reshape(-1, _LANDMARKS, 2)[keep]
    return FaceCandidates(
        scores=scores[keep],
        boxes=np.concatenate([centers - halves, centers + halves], axis=1),
        landmarks=(marks + cells[:, np.newaxis]) * stride,
    )
