"""Finds lines of text in a picture with a DB text detection network."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.backends.backend import Backend, Tensor
from vision.backends.providers import ON_GPU
from vision.errors import ModelFailed
from vision.geometry import Box, Point
from vision.plates.text_regions import TextRegion, text_regions
from vision.reading import Picture

LEAST_SCORE = 0.5
"""Mean core probability below which a region is noise (the models' own default)."""

_STRIDE = 32
_CANVASES = (480, 960, 1280)
"""Sides of the squares that a graphics card is given, which takes each new shape badly."""


class TextDetector:
    """Lines of text by a network that maps a picture to a probability map of its size."""

    def __init__(self, backend: Backend, *, least_score: float = LEAST_SCORE) -> None:
        self._backend = backend
        self._least_score = least_score

    @property
    def model(self) -> str:
        return self._backend.name

    def detect(
        self, picture: Picture, *, longer_side: int, within: Box | None = None
    ) -> tuple[TextRegion, ...]:
        """Lines in `picture` or in that part of it, in the whole picture's pixels, widest first.

        The part is scaled so that its longer side has about `longer_side` pixels (to multiples
        of 32, which the network needs); a smaller one is enlarged.
        """
        left, top, part = _part(picture, within)
        height, width = part.shape[:2]
        if height < 1 or width < 1:
            return ()
        ratio = longer_side / max(height, width)
        size = (_to_stride(width * ratio), _to_stride(height * ratio))
        way = cv2.INTER_AREA if ratio < 0.5 else cv2.INTER_LINEAR
        resized = np.asarray(cv2.resize(part, size, interpolation=way), dtype=np.uint8)
        regions = text_regions(
            self._map(resized),
            scale_x=width / size[0],
            scale_y=height / size[1],
            least_score=self._least_score,
        )
        return tuple(_shifted(region, left, top) for region in regions)

    def _map(self, picture: Picture) -> NDArray[np.float32]:
        """The probability of each pixel, of the picture's height and width."""
        height, width = picture.shape[:2]
        batch = _tensor(picture)
        if self._backend.device in ON_GPU:
            batch = _on_canvas(batch)
        outputs = self._backend.run(batch)
        if not outputs or outputs[0].shape != (1, 1, *batch.shape[2:]):
            raise ModelFailed(
                f"model {self.model}: output shapes {[o.shape for o in outputs]} "
                f"for an input of {batch.shape}; expected one map of that size"
            )
        return outputs[0][0, 0, :height, :width]


def _part(picture: Picture, within: Box | None) -> tuple[int, int, Picture]:
    """Left and top of the part, and a view of its pixels."""
    if within is None:
        return 0, 0, picture
    box = within.clipped(picture.shape[1], picture.shape[0])
    left, top = int(box.x1), int(box.y1)
    return left, top, picture[top : int(np.ceil(box.y2)), left : int(np.ceil(box.x2))]


def _to_stride(pixels: float) -> int:
    return max(_STRIDE, round(pixels / _STRIDE) * _STRIDE)


def _tensor(picture: Picture) -> Tensor:
    """Shape (1, 3, height, width), blue green red, -1..1: what the PP-OCR detectors expect."""
    values = picture.astype(np.float32)
    values *= 1 / 127.5
    values -= 1.0
    return np.ascontiguousarray(values.transpose(2, 0, 1))[np.newaxis]


def _on_canvas(batch: Tensor) -> Tensor:
    """In the top left corner of the smallest square that holds it; its last pixels go on to the
    edges, which moves the lines less than grey or a mirrored picture does."""
    height, width = batch.shape[2:]
    side = next((side for side in _CANVASES if side >= max(height, width)), None)
    if side is None:
        return batch
    return np.pad(batch, ((0, 0), (0, 0), (0, side - height), (0, side - width)), mode="edge")


def _shifted(region: TextRegion, dx: float, dy: float) -> TextRegion:
    a, b, c, d = region.quad

    def moved(point: Point) -> Point:
        return point[0] + dx, point[1] + dy

    return TextRegion(quad=(moved(a), moved(b), moved(c), moved(d)), score=region.score)
