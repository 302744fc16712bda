"""Decodes YOLO heads of version 8's style: with overlaps (raw), and with them suppressed.

The head's format is that of Ultralytics' ONNX export (docs.ultralytics.com/modes/export).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vision.backends.backend import Backend, Tensor
from vision.detectors.detection import ObjectDetection, distinct
from vision.errors import ModelFailed
from vision.input import InputSpec, Letterbox, letterbox
from vision.reading import Picture

LEAST_CONFIDENCE = 0.25
MOST_OVERLAP = 0.45
MOST_SIDE = 640
PADDING_GREY = 114
"""What the networks were trained to see beside the picture."""

MOST_DETECTIONS = 300

Rows = Callable[[Tensor, Letterbox], Tensor]
"""An output as rows (n, 6): x1 y1 x2 y2 in pixels of the input, score, class."""


class YoloDetector:
    """See `vision.detectors.detection.ObjectDetector`."""

    def __init__(
        self,
        backend: Backend,
        pixels: InputSpec,
        labels: Sequence[str],
        *,
        rows: Rows,
        least_confidence: float = LEAST_CONFIDENCE,
    ) -> None:
        """`labels` names the classes in order; none: there is but one. `rows` reads the head."""
        if len(backend.output_names) != 1:
            raise ModelFailed(
                f"model {backend.name}: it has outputs {list(backend.output_names)}, expected the "
                "one of a YOLO head; export it without extra outputs"
            )
        self._backend = backend
        self._pixels = pixels
        self._labels = tuple(labels)
        self._rows = rows
        self._least_confidence = least_confidence

    @property
    def model(self) -> str:
        return self._backend.name

    def detect(self, picture: Picture) -> tuple[ObjectDetection, ...]:
        _, _, height, width = self._backend.input_shape
        frame, framed = letterbox(
            picture, fixed=(height, width), most_side=MOST_SIDE, padding=PADDING_GREY
        )
        (output,) = self._backend.run(self._pixels.tensor(framed))
        try:
            rows = self._rows(output, frame)
        except ValueError as error:
            raise ModelFailed(f"model {self.model}: {error}; is its decoder right?") from error
        sure = rows[rows[:, 4] >= self._least_confidence]
        best = sure[np.argsort(-sure[:, 4], kind="stable")][:MOST_DETECTIONS]
        found = [self._detection(row, frame) for row in best]
        return distinct(found, most_overlap=MOST_OVERLAP)

    def _detection(self, row: Tensor, frame: Letterbox) -> ObjectDetection:
        x1, y1, x2, y2, score, number = (float(value) for value in row)
        return ObjectDetection(
            box=frame.box(x1, y1, x2, y2), label=self._label(int(number)), confidence=score
        )

    def _label(self, number: int) -> str:
        if not self._labels:
            return ""
        if not 0 <= number < len(self._labels):
            raise ModelFailed(
                f"model {self.model}: it found class {number}, and the manifest labels "
                f"{len(self._labels)}; list all of them, in order"
            )
        return self._labels[number]


def raw_rows(output: Tensor, frame: Letterbox) -> Tensor:  # noqa: ARG001 - one of `Rows`
    """Of the raw head, (1, 4 + classes, cells): centre and size in pixels, a score a class."""
    if output.ndim != 3 or output.shape[0] != 1 or output.shape[1] < 5:
        raise ValueError(f"its output is {output.shape}, expected (1, 4 + classes, cells)")
    cells = output[0].T
    centres, sizes, scores = cells[:, :2], cells[:, 2:4], cells[:, 4:]
    classes = scores.argmax(axis=1)
    best = scores[np.arange(len(scores)), classes]
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    return np.column_stack([corners, best, classes]).astype(np.float32)


def suppressed_rows(output: Tensor, frame: Letterbox) -> Tensor:  # noqa: ARG001 - one of `Rows`
    """Of a head with the suppression of overlaps in its graph: (1, n, 6), zeros where empty."""
    if output.ndim != 3 or output.shape[0] != 1 or output.shape[2] != 6:
        raise ValueError(f"its output is {output.shape}, expected (1, n, 6)")
    rows: Tensor = output[0]
    return rows


def hailo_rows(output: Tensor, frame: Letterbox) -> Tensor:
    """Of HailoRT's own suppression of overlaps, (n, 6) in shares of the input."""
    if output.ndim != 2 or output.shape[1] != 6:
        raise ValueError(f"its output is {output.shape}, expected (n, 6)")
    sides = (frame.width, frame.height, frame.width, frame.height, 1, 1)
    return output * np.asarray(sides, dtype=np.float32)
