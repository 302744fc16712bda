"""Embeddings have length one, and are close for the same person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.vision.tiny_onnx import constant_outputs, model, node
from vision.backends.onnx import OnnxBackend
from vision.errors import ModelFailed
from vision.faces.alignment import TEMPLATE
from vision.faces.embedding import FaceEmbedder, likeness
from vision.faces.yunet import YunetFaceDetector
from vision.input import parse_input
from vision.pictures import load_picture

DATA = Path(__file__).parents[4] / "shared" / "data"
PIXELS = parse_input("3x112x112 bgr 0..255")
PICTURE = np.full((112, 112, 3), (30, 0, 40), dtype=np.uint8)


def means() -> bytes:
    """An embedding of three numbers: the mean of each channel."""
    return model(
        [node("GlobalAveragePool", ["face"], ["mean"]), node("Flatten", ["mean"], ["out"])],
        inputs={"face": [1, 3, 112, 112]},
        outputs={"out": [1, 3]},
    )


def test_vector_is_of_length_one_and_float32() -> None:
    vector = FaceEmbedder(OnnxBackend("means", means(), threads=1), PIXELS).embed(PICTURE, TEMPLATE)
    assert vector.dtype == np.float32
    assert vector == pytest.approx([0.6, 0.0, 0.8], abs=0.01)
    assert np.linalg.norm(vector) == pytest.approx(1.0)


def test_channels_come_as_the_network_takes_them() -> None:
    embedder = FaceEmbedder(
        OnnxBackend("means", means(), threads=1), parse_input("3x112x112 rgb 0..255")
    )
    assert embedder.embed(PICTURE, TEMPLATE) == pytest.approx([0.8, 0.0, 0.6], abs=0.01)


def test_vector_of_no_length_is_a_failure_not_an_answer() -> None:
    zero = constant_outputs([1, 3, 112, 112], {"out": np.zeros((1, 8))})
    with pytest.raises(ModelFailed, match="length 0"):
        FaceEmbedder(OnnxBackend("zero", zero, threads=1), PIXELS).embed(PICTURE, TEMPLATE)


def test_other_network_is_refused() -> None:
    other = constant_outputs([1, 3, 64, 64], {"out": np.ones((1, 8))})
    with pytest.raises(ModelFailed, match="it is no face embedding"):
        FaceEmbedder(OnnxBackend("other", other, threads=1), PIXELS)


def test_likeness_is_the_cosine() -> None:
    one, other = np.array([1, 0], np.float32), np.array([0.6, 0.8], np.float32)
    assert likeness(one, one) == pytest.approx(1)
    assert likeness(one, other) == pytest.approx(0.6)
    with pytest.raises(ValueError, match="do not compare"):
        likeness(one, np.ones(3, np.float32))


@pytest.mark.skipif(
    not (DATA / "models").is_dir(), reason="the models (../shared/data/models) are not here"
)
def test_same_person_is_more_alike_than_another() -> None:
    models = DATA / "models"
    detector = YunetFaceDetector(
        OnnxBackend.from_file("yunet", models / "yunet_n_dynamic.onnx", threads=2)
    )
    embedder = FaceEmbedder(
        OnnxBackend.from_file("mobilefacenet", models / "mobilefacenet.onnx", threads=2),
        parse_input("3x112x112 rgb -1..1"),
    )
    vectors = {}
    for name in ("img20", "img21", "img16"):
        picture = load_picture(DATA / "faces" / f"{name}.jpg")
        face = max(detector.detect(picture), key=lambda one: one.box.area)
        assert face.landmarks is not None
        vectors[name] = embedder.embed(picture, face.landmarks)
    same = likeness(vectors["img20"], vectors["img21"])
    assert same > 0.4
    assert likeness(vectors["img20"], vectors["img16"]) < same - 0.2
