"""Runs ONNX networks with OpenCV's own runtime, on the processor.

For machines without onnxruntime's wheel. It takes fewer networks than onnxruntime and is usually
slower (`python -m benchmarks.models`); its threads are those of the process (`cv2.setNumThreads`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vision.backends.backend import Tensor
from vision.backends.onnx import read_model
from vision.backends.onnx_cut import metadata_of
from vision.backends.onnx_signature import signature_of
from vision.errors import ModelFailed


class OpenCvBackend:
    """One network with one input in OpenCV's `dnn` module; see `Backend`."""

    def __init__(self, name: str, model: bytes) -> None:
        """Load `model` (the bytes of an ONNX file); raises `ModelFailed`."""
        self._name = name
        try:
            signature = signature_of(model)
            self._metadata = metadata_of(model)
            net = cv2.dnn.readNetFromONNX(np.frombuffer(model, dtype=np.uint8))
        except (cv2.error, ModelFailed) as error:
            raise ModelFailed(
                f"model {name}: OpenCV {cv2.__version__} does not load it ({str(error).strip()}); "
                "the onnx backend takes more networks"
            ) from error
        if len(signature.inputs) != 1:
            raise ModelFailed(
                f"model {name}: it has inputs {[name for name, _ in signature.inputs]}, "
                "expected exactly one"
            )
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
        self._net: cv2.dnn.Net | None = net
        self._input_shape = signature.inputs[0][1]
        self._output_names = signature.output_names

    @classmethod
    def from_file(cls, name: str, path: Path) -> OpenCvBackend:
        """Load the file at `path`; raises `ModelMissing` or `ModelFailed`."""
        return cls(name, read_model(name, path))

    @property
    def name(self) -> str:
        return self._name

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return self._input_shape

    @property
    def output_names(self) -> tuple[str, ...]:
        return self._output_names

    @property
    def metadata(self) -> dict[str, str]:
        return self._metadata

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        if self._net is None:
            raise ModelFailed(f"model {self._name}: it was closed; load it again")
        if not _fits(batch, self._input_shape):
            # OpenCV reads past the end of some inputs that are too small instead of refusing them.
            raise ModelFailed(
                f"model {self._name}: an input of shape {batch.shape}, {batch.dtype}; "
                f"it takes {self._input_shape}, float32"
            )
        try:
            self._net.setInput(np.ascontiguousarray(batch))
            outputs = self._net.forward(list(self._output_names))
        except cv2.error as error:
            raise ModelFailed(
                f"model {self._name}: running it on an input of shape {batch.shape} broke "
                f"({error.msg}); the onnx backend takes more networks"
            ) from error
        # The network keeps and reuses the memory of what it gives.
        return [np.array(output, dtype=np.float32) for output in outputs]

    def close(self) -> None:
        self._net = None


def _fits(batch: Tensor, shape: tuple[int | None, ...]) -> bool:
    return (
        batch.dtype == np.float32
        and batch.ndim == len(shape)
        and all(fixed in (None, axis) for fixed, axis in zip(shape, batch.shape, strict=True))
    )
