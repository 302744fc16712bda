"""The onnxruntime backend on a real network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.vision.graphics_card import needs_card
from vision.backends.backend import warm_up
from vision.backends.onnx import OnnxBackend
from vision.errors import ModelFailed, ModelMissing
from vision.manifest import locate, model_entry

MODEL = "pp-ocrv6-det-small"


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend.from_file(MODEL, locate(model_entry(MODEL)), threads=1)


def test_facts_of_the_network_are_told(backend: OnnxBackend) -> None:
    assert backend.name == MODEL
    assert backend.input_shape == (None, 3, None, None)
    assert len(backend.output_names) == 1


def test_same_input_gives_same_output(backend: OnnxBackend) -> None:
    warm_up(backend)
    batch = np.random.default_rng(0).normal(size=(1, 3, 32, 64)).astype(np.float32)
    first, second = backend.run(batch)[0], backend.run(batch)[0]
    assert first.shape == (1, 1, 32, 64)
    assert np.array_equal(first, second)


def test_input_of_another_shape_names_model_and_shape(backend: OnnxBackend) -> None:
    with pytest.raises(ModelFailed, match=rf"{MODEL}.*\(1, 4, 32, 32\)"):
        backend.run(np.zeros((1, 4, 32, 32), dtype=np.float32))


def test_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.onnx"
    path.write_bytes(b"\x00" * 100)
    with pytest.raises(ModelFailed, match="noise"):
        OnnxBackend.from_file("noise", path, threads=1)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"gone\.onnx"):
        OnnxBackend.from_file("gone", tmp_path / "gone.onnx", threads=1)


def test_no_threads_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="threads is 0"):
        OnnxBackend("x", b"", threads=0)


@pytest.mark.hardware
@needs_card
def test_card_answers_as_the_processor_does_whatever_shapes_take_turns(
    backend: OnnxBackend,
) -> None:
    path = locate(model_entry(MODEL))
    card = OnnxBackend.from_file(MODEL, path, threads=1, providers=("cuda",))
    assert card.device == "cuda"
    rng = np.random.default_rng(0)
    for side in (64, 96, 64, 128, 160, 192, 64):
        batch = rng.uniform(-1, 1, size=(1, 3, side, 96)).astype(np.float32)
        assert card.run(batch)[0] == pytest.approx(backend.run(batch)[0], abs=1e-3)
