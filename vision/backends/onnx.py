"""Runs ONNX networks through onnxruntime. Never reads pixels or decodes outputs.

Without its I/O binding: that saved nothing on the processor (MobileFaceNet 2.8 and 2.7 ms, YuNet at
640x480 10.5 and 10.4, SCRFD 41.6 and 41.6; medians of 40) and nothing on a card (1.1 and 1.6, 2.1
and 2.3, 2.3 and 2.2), as every output is wanted in memory.
Without its memory patterns, of which it keeps one for each shape of input: after sixty inputs of
different shapes text detector and reader took 213 MB instead of 247, as fast (2-core x86-64,
onnxruntime 1.31).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnxruntime

from vision.backends.backend import NetworkFacts, StatedNetwork, Tensor
from vision.backends.providers import ON_GPU, choose_providers, options_of, short_name
from vision.backends.shapes import MOST_SHAPES, SessionsByShape
from vision.errors import ModelFailed, ModelMissing

_FATAL_ONLY = 4


class OnnxBackend(StatedNetwork):
    """One network with one float32 input in one onnxruntime session; see `Backend`."""

    def __init__(
        self, name: str, model: bytes, *, threads: int, providers: Sequence[str] = ("cpu",)
    ) -> None:
        """Load `model` (the bytes of an ONNX file).

        `threads` is the number of cores that one `run` may use, at least 1. `providers` are names
        of `vision.backends.providers`, the most wanted first; the processor serves where none of
        them is there. Raises `ModelFailed` when onnxruntime does not take the model.
        """
        if threads < 1:
            raise ValueError(f"threads is {threads}, expected 1 or more")
        choice = choose_providers(providers, onnxruntime.get_available_providers())
        asked = [(name, options_of(name)) for name in choice.library_names]

        def load() -> onnxruntime.InferenceSession:
            return onnxruntime.InferenceSession(model, _session_options(threads), providers=asked)

        try:
            session = load()
        except Exception as error:  # onnxruntime's errors share no public base
            raise ModelFailed(
                f"model {name}: onnxruntime {onnxruntime.__version__} does not load it ({error}); "
                "compare the file with its sha256 in the models' manifest"
            ) from error
        inputs = session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            raise ModelFailed(
                f"model {name}: it has inputs {[(i.name, i.type) for i in inputs]}, "
                "expected exactly one of float32"
            )
        device = short_name(session.get_providers()[0])
        self._sessions: SessionsByShape[onnxruntime.InferenceSession] | None = SessionsByShape(
            session, load, most=MOST_SHAPES if device in ON_GPU else 1
        )
        self._input_name: str = inputs[0].name
        super().__init__(
            NetworkFacts(
                name=name,
                device=device,
                input_shape=tuple(
                    axis if isinstance(axis, int) and axis > 0 else None for axis in inputs[0].shape
                ),
                output_names=tuple(output.name for output in session.get_outputs()),
                metadata=dict(session.get_modelmeta().custom_metadata_map),
            )
        )

    @classmethod
    def from_file(
        cls, name: str, path: Path, *, threads: int, providers: Sequence[str] = ("cpu",)
    ) -> OnnxBackend:
        """Load the file at `path`; raises `ModelMissing` or `ModelFailed`."""
        return cls(name, read_model(name, path), threads=threads, providers=providers)

    def run(self, batch: Tensor) -> Sequence[Tensor]:
        if self._sessions is None:
            raise self._closed()
        try:
            session = self._sessions.of(batch.shape)
            outputs: list[Tensor] = session.run(None, {self._input_name: batch})
        except Exception as error:  # onnxruntime's errors share no public base
            raise ModelFailed(
                f"model {self.name}: running it on an input of shape {batch.shape}, "
                f"{batch.dtype} broke ({error}); it takes {self.input_shape}, float32"
            ) from error
        return outputs

    def close(self) -> None:
        self._sessions = None


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    options.enable_mem_pattern = False
    # Idle workers of one network would otherwise burn the core that the next stage runs on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def read_model(name: str, path: Path) -> bytes:
    """The bytes of a model's file; raises `ModelMissing` naming it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelMissing(
            f"model {name}: {path} cannot be read ({error.strerror}); "
            "install the package that brings it again, or put the file there"
        ) from error
