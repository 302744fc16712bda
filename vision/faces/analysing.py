"""What other networks make of a face: whether it is alive, how old, ... One slot for all of them:
a piece of picture in, named scores out. Never says what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import cv2
import numpy as np

from vision.backends.backend import Backend
from vision.errors import ModelFailed
from vision.geometry import Box
from vision.input import InputSpec
from vision.manifest import ModelEntry
from vision.networks import NetworkSource
from vision.pool.budget import Priority
from vision.reading import Picture

SCORES, LOGITS = "face-scores", "face-logits"
"""Decoders: outputs that are 0..1 as they are, or that a softmax makes into shares."""


class FaceAnalyser(Protocol):
    """Blocking; one caller at a time."""

    @property
    def task(self) -> str:
        """What it tells, as the manifest says it: liveness, age, ..."""

    @property
    def model(self) -> str: ...

    @property
    def version(self) -> str:
        """Of its file."""

    @property
    def crop(self) -> float:
        """How much of the picture it takes, in sizes of the face's box around its middle."""

    def analyse(self, part: Picture) -> Mapping[str, float]:
        """Scores 0..1 by name, of that piece of a picture. Raises `ModelFailed`."""


class NetworkAnalyser:
    """A network with one output of as many numbers as the manifest has labels."""

    def __init__(self, backend: Backend, entry: ModelEntry) -> None:
        """Raises `ModelFailed` where the network does not fit what the manifest says of it."""
        shape = backend.input_shape
        if entry.decoder not in (SCORES, LOGITS) or not entry.labels:
            raise ModelFailed(
                f"model {entry.name}: decoder {entry.decoder!r} and {len(entry.labels)} labels, "
                f"expected {SCORES} or {LOGITS} and a label for each score; it analyses no face"
            )
        if not entry.input.height or not entry.input.width or entry.input.channels != 3:
            raise ModelFailed(
                f"model {entry.name}: input {entry.input.text!r}, expected 3 channels and a size, "
                f"such as '3x80x80 bgr 0..255' (the file says {shape})"
            )
        self._backend = backend
        self._entry = entry
        self._pixels: InputSpec = entry.input

    @property
    def task(self) -> str:
        return self._entry.task

    @property
    def model(self) -> str:
        return self._entry.name

    @property
    def version(self) -> str:
        return self._entry.version

    @property
    def crop(self) -> float:
        return self._entry.crop

    def analyse(self, part: Picture) -> Mapping[str, float]:
        size = (self._pixels.width, self._pixels.height)
        laid = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
        outputs = self._backend.run(self._pixels.tensor(laid))
        values = np.asarray(outputs[0], np.float64).reshape(-1)
        labels = self._entry.labels
        if len(outputs) != 1 or values.size != len(labels) or not np.isfinite(values).all():
            raise ModelFailed(
                f"model {self.model}: it gave {len(outputs)} outputs with {values.size} numbers, "
                f"expected one of {len(labels)}, for {', '.join(labels)}"
            )
        if self._entry.decoder == LOGITS:
            raised = np.exp(values - values.max())
            values = raised / raised.sum()
        return {
            label: float(min(1.0, max(0.0, value)))
            for label, value in zip(labels, values, strict=True)
        }


def face_analyser(networks: NetworkSource, name: str) -> FaceAnalyser:
    """The model of that name; it is the first to be let go where memory is short. Raises an error
    of `ModelError`."""
    return NetworkAnalyser(networks.open(name, priority=Priority.LOW), networks.entry(name))


def part_for(picture: Picture, face: Box, crop: float) -> Picture:
    """A square around the face's middle, `crop` times its longer side; less at the picture's edge.

    Such crops are what liveness networks were trained on (minivision, Silent-Face-Anti-Spoofing,
    2020: 2.7 and 4 times the face).
    """
    height, width = picture.shape[:2]
    middle_x, middle_y = face.center
    half = crop * max(face.width, face.height) / 2
    square = Box(x1=middle_x - half, y1=middle_y - half, x2=middle_x + half, y2=middle_y + half)
    x, y, part_width, part_height = square.clipped(width, height).as_xywh()
    return picture[y : y + max(1, part_height), x : x + max(1, part_width)]
