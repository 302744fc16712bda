"""Turns an upright face into numbers that are close for the same person, as ArcFace does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision.backends.backend import Backend
from vision.errors import ModelFailed
from vision.faces.alignment import ALIGNED_SIDE, aligned
from vision.geometry import Point
from vision.input import InputSpec
from vision.reading import Picture

Embedding = NDArray[np.float32]
"""Shape (n,), of length 1."""


class FaceEmbedder:
    """One network from an aligned face to one vector. Blocking; one caller at a time."""

    def __init__(self, backend: Backend, pixels: InputSpec, *, version: str = "") -> None:
        """`pixels` is what the network takes, `version` that of its file; raises `ModelFailed` for
        one of another size."""
        if tuple(backend.input_shape[1:]) not in _SIZES or len(backend.output_names) != 1:
            raise ModelFailed(
                f"model {backend.name}: it takes {backend.input_shape} and gives "
                f"{len(backend.output_names)} outputs, expected (1, 3, {ALIGNED_SIDE}, "
                f"{ALIGNED_SIDE}) and one; it is no face embedding"
            )
        self._backend = backend
        self._pixels = pixels
        self._version = version

    @property
    def model(self) -> str:
        return self._backend.name

    @property
    def label(self) -> str:
        """What its embeddings are marked with."""
        return embedding_label(self.model, self._version)

    def embed(self, picture: Picture, landmarks: Sequence[Point]) -> Embedding:
        """The face with these landmarks; raises `ModelFailed`, ValueError if they coincide."""
        (output,) = self._backend.run(self._pixels.tensor(aligned(picture, landmarks)))
        vector = np.asarray(output, dtype=np.float32).reshape(-1)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length < 1e-6:
            raise ModelFailed(f"model {self.model}: it gave a vector of length {length}")
        return vector / np.float32(length)


_SIZES = frozenset({(3, ALIGNED_SIDE, ALIGNED_SIDE), (3, None, None)})


def embedding_label(model: str, version: str) -> str:
    """Model and version in one word: embeddings of different ones do not compare."""
    return f"{model}@{version}"


def likeness(one: Embedding, other: Embedding) -> float:
    """Cosine of two embeddings of the same network, -1..1; of different length ValueError."""
    if one.shape != other.shape:
        raise ValueError(f"embeddings of {one.size} and {other.size} numbers do not compare")
    return float(np.dot(one, other))
