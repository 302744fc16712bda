"""Runs ONNX networks with OpenCV's own runtime, on the processor.

For machines without onnxruntime's wheel. It takes fewer networks than onnxruntime and is usually
slower (`python -m benchmarks.models`); its threads are those of the process (`cv2.setNumThreads`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vision.backends.backend import NetworkFacts, StatedNetwork, Tensor
from vision.backends.onnx import read_model
from vision.backends.onnx_cut import metadata_of
from vision.backends.onnx_signature import signature_of
from vision.errors import ModelFailed


class OpenCvBackend(StatedNetwork):
    """One network with one input in OpenCV's `dnn` module; see `Backend`."""

    def __init__(self, name: str, model: bytes) -> None:
        """Load `model` (the bytes of an ONNX file); raises `ModelFailed`."""
        try:
            signature = signature_of(model)
            metadata = metadata_of(model)
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
        super().__init__(
            NetworkFacts(
                name=name,
                device="cpu",
                input_shape=signature.inputs[0][1],
                output_names=signature.output_names,
                metadata=metadata,
            )
        )

    @classmethod
    def from_file(cls, name: str, path: Path) -> OpenCvBackend:
        """Load the file at `path`; raises `ModelMissing` or `ModelFailed`."""
        return cls(name, read_model(name, path))

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        if self._net is None:
            raise self._closed()
        if not _fits(batch, self.input_shape):
            # OpenCV reads past the end of some inputs that are too small instead of refusing them.
            raise ModelFailed(
                f"model {self.name}: an input of shape {batch.shape}, {batch.dtype}; "
                f"it takes {self.input_shape}, float32"
            )
        try:
            self._net.setInput(np.ascontiguousarray(batch))
            outputs = self._net.forward(list(self.output_names))
        except cv2.error as error:
            raise ModelFailed(
                f"model {self.name}: running it on an input of shape {batch.shape} broke "
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
