"""Reads lines of text, cut out and laid straight, with a CTC text recognition network."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np

from vision.backends.backend import Backend, Tensor
from vision.backends.onnx_cut import cut_classes, metadata_of
from vision.errors import ModelFailed
from vision.geometry import Quad
from vision.networks import NetworkSource
from vision.plates.ctc import folded
from vision.plates.hypotheses import Hypothesis, hypotheses
from vision.plates.rectify import rectified, scaled
from vision.pool.budget import Priority
from vision.reading import Picture

CROP_HEIGHT = 48
"""Height of the network's input in pixels."""

CROP_WIDTH = 320
"""Width of the network's input in pixels; shorter lines are padded to it."""

CROPS = ((1.06, 0.92), (1.0, 0.84), (1.12, 1.0))
"""How a detected quad is scaled before cutting, along the text and across it: the usual crop, a
tighter and a wider one. The usual one is best alone; together they settle what it leaves open."""

_BLANK_LABEL = ""
_SPACE = " "


class TextRecogniser:
    """Characters of lines by a network that gives class probabilities for each step in width."""

    def __init__(self, backend: Backend, labels: Sequence[str]) -> None:
        """`labels` names the network's classes in order; the first is the blank."""
        self._backend = backend
        self._labels = tuple(label.upper() for label in labels)

    @classmethod
    def open(cls, name: str, networks: NetworkSource, *, letters: str = "") -> TextRecogniser:
        """A network that carries its labels, cut to the ASCII ones and `letters`.

        Its other thousands of classes (Chinese, mostly) only cost time here. Raises
        `ModelMissing` or `ModelFailed`.
        """

        def cut(model: bytes) -> bytes:
            classes = _classes(metadata_of(model))
            return cut_classes(model, classes=len(classes), keep=_kept(classes, letters))

        backend = networks.open(name, priority=Priority.CRITICAL, prepare=cut)
        classes = _classes(backend.metadata)
        return cls(backend, [classes[i] for i in _kept(classes, letters)])

    @property
    def model(self) -> str:
        return self._backend.name

    def read(self, crops: Sequence[Tensor]) -> tuple[tuple[Hypothesis, ...], ...]:
        """What each line, as `line_crop` cuts it, may say: upper case, signs included.

        They run one by one: batches gain nothing on one thread (docs/decisions/017).
        """
        return tuple(self._read_one(crop) for crop in crops)

    def _read_one(self, crop: Tensor) -> tuple[Hypothesis, ...]:
        outputs = self._backend.run(crop)
        if len(outputs) != 1 or outputs[0].shape[2:] != (len(self._labels),):
            raise ModelFailed(
                f"model {self.model}: output shapes {[o.shape for o in outputs]}, "
                f"expected one of (lines, steps, {len(self._labels)})"
            )
        probabilities, names = folded(outputs[0][0], self._labels)
        return hypotheses(probabilities, names)


def _classes(metadata: dict[str, str]) -> list[str]:
    """The network's classes; its file lists neither the blank (first) nor the space (last)."""
    alphabet = metadata.get("character", "").splitlines()
    if not alphabet:
        raise ModelFailed("the text recogniser does not carry its labels (`character`)")
    return [_BLANK_LABEL, *alphabet, _SPACE]


def _kept(classes: Sequence[str], letters: str) -> list[int]:
    wanted = {*string.ascii_letters, *string.digits, *string.punctuation, _SPACE, *letters}
    return [0, *(i for i, label in enumerate(classes) if label in wanted)]


def line_crop(
    picture: Picture, quad: Quad, *, along: float = CROPS[0][0], across: float = CROPS[0][1]
) -> Tensor:
    """Shape (1, 3, 48, 320), blue green red, -1..1, zero where padded: as PP-OCR was trained."""
    quad = scaled(quad, along=along, across=across)
    (ax, ay), (bx, by), _, (dx, dy) = quad
    length = float(np.hypot(bx - ax, by - ay))
    height = max(1.0, float(np.hypot(dx - ax, dy - ay)))
    width = int(min(CROP_WIDTH, max(8, np.ceil(CROP_HEIGHT * length / height))))
    crop = rectified(picture, quad, width=width, height=CROP_HEIGHT).astype(np.float32)
    tensor = np.zeros((1, 3, CROP_HEIGHT, CROP_WIDTH), dtype=np.float32)
    tensor[0, :, :, :width] = (crop / 127.5 - 1.0).transpose(2, 0, 1)
    return tensor
