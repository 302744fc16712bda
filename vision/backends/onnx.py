"""Runs ONNX networks on the CPU through onnxruntime. Never reads pixels or decodes outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from vision.backends.backend import Tensor
from vision.errors import ModelFailed, ModelMissing

_PROVIDER = "CPUExecutionProvider"
_FATAL_ONLY = 4


class OnnxBackend:
    """One network with one float32 input in one onnxruntime session."""

    def __init__(self, name: str, model: bytes, *, threads: int) -> None:
        """Load `model` (the bytes of an ONNX file).

        `threads` is the number of cores that one `run` may use, at least 1. Raises `ModelFailed`
        when onnxruntime does not take the model.
        """
        if threads < 1:
            raise ValueError(f"threads is {threads}, expected 1 or more")
        self._name = name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        # Idle workers of one network would otherwise burn the core that the next stage runs on.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=[_PROVIDER])
        except Exception as error:  # onnxruntime's errors share no public base
            raise ModelFailed(
                f"model {name}: onnxruntime {onnxruntime.__version__} does not load it ({error}); "
                "compare the file with its sha256 in the models' manifest"
            ) from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            raise ModelFailed(
                f"model {name}: it has inputs {[(i.name, i.type) for i in inputs]}, "
                "expected exactly one of float32"
            )
        self._input_name: str = inputs[0].name
        self._input_shape = tuple(
            axis if isinstance(axis, int) and axis > 0 else None for axis in inputs[0].shape
        )
        self._output_names = tuple(output.name for output in self._session.get_outputs())

    @classmethod
    def from_file(cls, name: str, path: Path, *, threads: int) -> OnnxBackend:
        """Load the file at `path`; raises `ModelMissing` or `ModelFailed`."""
        return cls(name, read_model(name, path), threads=threads)

    @property
    def name(self) -> str:
        return self._name

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return self._input_shape

    @property
    def output_names(self) -> tuple[str, ...]:
        return self._output_names

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        try:
            outputs: list[Tensor] = self._session.run(None, {self._input_name: batch})
        except Exception as error:  # onnxruntime's errors share no public base
            raise ModelFailed(
                f"model {self._name}: running it on an input of shape {batch.shape}, "
                f"{batch.dtype} broke ({error}); it takes {self._input_shape}, float32"
            ) from error
        return outputs

    def warm_up(self, shape: tuple[int, ...]) -> None:
        """Run once on zeros, so that the first real picture does not pay for the set-up."""
        self.run(np.zeros(shape, dtype=np.float32))


def read_model(name: str, path: Path) -> bytes:
    """The bytes of a model's file; raises `ModelMissing` naming it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelMissing(
            f"model {name}: {path} cannot be read ({error.strerror}); "
            "install the package that brings it again, or put the file there"
        ) from error
