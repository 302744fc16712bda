"""Finds faces and their five landmarks with SCRFD (Guo, Deng, Lattas, Zafeiriou 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vision.backends.backend import Backend, Tensor
from vision.errors import ModelFailed
from vision.faces.face_boxes import FaceCandidates, faces_of
from vision.input import InputSpec, letterbox, parse_input
from vision.reading import FaceDetection, Picture

MOST_SIDE = 640
"""Larger pictures are scaled down to it (DESIGN.md: at native size recall fell to half)."""

LEAST_CONFIDENCE = 0.5

_STRIDES = (8, 16, 32)
_ANCHORS = 2
_SCORES, _BOXES, _LANDMARKS = 1, 4, 10
_OUTPUTS = 9
_PIXELS = "3x0x0 rgb -0.99609375..0.99609375"
"""(value - 127.5) / 128, red green blue."""


class ScrfdFaceDetector:
    """SCRFD with landmarks; see `vision.reading.FaceDetector`.

    Outputs are told apart by their shape, since every export names them differently: for each cell
    of the strides 8, 16 and 32 and each of two anchors one score, four distances and ten landmark
    coordinates, as rows (ONNX) or as maps whose last axis holds both anchors (HEF).
    """

    def __init__(
        self,
        backend: Backend,
        *,
        pixels: InputSpec | None = None,
        least_confidence: float = LEAST_CONFIDENCE,
    ) -> None:
        """`pixels` is what the network takes, where it is not the usual."""
        if len(backend.output_names) != _OUTPUTS:
            raise ModelFailed(
                f"model {backend.name}: it has {len(backend.output_names)} outputs, expected "
                f"{_OUTPUTS}; it is no SCRFD with landmarks"
            )
        self._backend = backend
        self._pixels = pixels or parse_input(_PIXELS)
        self._least_confidence = least_confidence

    @property
    def model(self) -> str:
        return self._backend.name

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        _, _, rows, columns = self._backend.input_shape
        frame, framed = letterbox(picture, fixed=(rows, columns), most_side=MOST_SIDE)
        outputs = self._backend.run(self._pixels.tensor(framed))
        try:
            candidates = [
                decode_stride(
                    self._outputs_of(outputs, (frame.height // stride) * (frame.width // stride)),
                    stride,
                    frame.width // stride,
                    self._least_confidence,
                )
                for stride in _STRIDES
            ]
        except KeyError as error:
            raise ModelFailed(
                f"model {self.model}: outputs of shapes {[output.shape for output in outputs]} "
                f"for an input of {frame.height}x{frame.width}; it is no SCRFD with landmarks"
            ) from error
        return faces_of(candidates, frame)

    def _outputs_of(self, outputs: Sequence[Tensor], cells: int) -> dict[int, Tensor]:
        """The three outputs of one stride by their values a row: (cells x anchors, values)."""
        found = {}
        for output in outputs:
            for values in (_SCORES, _BOXES, _LANDMARKS):
                is_rows = output.shape[-1] == values
                is_map = output.ndim == 4 and output.shape[-1] == values * _ANCHORS
                if (is_rows or is_map) and output.size == cells * _ANCHORS * values:
                    found[values] = output.reshape(-1, values)
        return {values: found[values] for values in (_SCORES, _BOXES, _LANDMARKS)}


def decode_stride(
    outputs: dict[int, Tensor], stride: int, columns: int, least_confidence: float
) -> FaceCandidates:
    """The faces that the cells of one stride tell of, in pixels of the network's input.

    An anchor lies at its cell's corner; a box is four distances from it (left, up, right, down), a
    landmark an offset, both in strides.
    """
    scores = outputs[_SCORES].reshape(-1)
    keep = np.flatnonzero(scores >= least_confidence)
    cells = keep // _ANCHORS
    anchors = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32) * stride
    distances = outputs[_BOXES][keep] * stride
    marks = outputs[_LANDMARKS][keep].reshape(-1, _LANDMARKS // 2, 2) * stride
    return FaceCandidates(
        scores=scores[keep],
        boxes=np.concatenate([anchors - distances[:, :2], anchors + distances[:, 2:]], axis=1),
        landmarks=marks + anchors[:, np.newaxis],
    )
