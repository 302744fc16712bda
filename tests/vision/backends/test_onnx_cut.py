"""A cut network answers as the whole one does, renormalised over what was kept."""

from __future__ import annotations

import numpy as np
import pytest

from vision.backends.onnx import OnnxBackend, read_model
from vision.backends.onnx_cut import cut_classes, metadata_of
from vision.errors import ModelFailed
from vision.manifest import locate, model_entry

MODEL = "pp-ocrv6-rec-small"
CLASSES = 18710
KEEP = [0, 33, 40, 18709]


@pytest.fixture(scope="module")
def whole() -> bytes:
    return read_model(MODEL, locate(model_entry(MODEL)))


def test_cut_network_equals_the_renormalised_whole(whole: bytes) -> None:
    cut = cut_classes(whole, classes=CLASSES, keep=KEEP)
    assert len(cut) < 0.6 * len(whole)
    batch = np.random.default_rng(0).normal(size=(1, 3, 48, 320)).astype(np.float32)
    full = OnnxBackend(MODEL, whole, threads=2).run(batch)[0][..., KEEP]
    small = OnnxBackend(MODEL, cut, threads=2)
    assert np.allclose(small.run(batch)[0], full / full.sum(axis=-1, keepdims=True), atol=1e-4)
    assert small.metadata["character"].startswith("!")


def test_metadata_is_what_the_runtime_says(whole: bytes) -> None:
    assert metadata_of(whole) == OnnxBackend(MODEL, whole, threads=1).metadata


def test_class_count_that_no_layer_has_is_refused(whole: bytes) -> None:
    with pytest.raises(ModelFailed, match="12345 classes"):
        cut_classes(whole, classes=12345, keep=KEEP)


@pytest.mark.parametrize("model", [b"\x3a\xff", b"\xff\xff\xff", b"\x07"])
def test_bytes_that_are_no_model_are_refused(model: bytes) -> None:
    with pytest.raises(ModelFailed):
        cut_classes(model, classes=10, keep=[0])
