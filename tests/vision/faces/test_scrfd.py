"""SCRFD's outputs are decoded as published, from ONNX rows and from the maps of a HEF alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.hailort import FakeHailoPlatform, FakeHef
from tests.vision.tiny_onnx import constant_outputs
from vision.backends.backend import Backend
from vision.backends.hailo import HailoDevice
from vision.backends.onnx import OnnxBackend
from vision.errors import ModelFailed
from vision.faces.scrfd import ScrfdFaceDetector
from vision.faces.yunet import YunetFaceDetector
from vision.input import parse_input
from vision.pictures import load_picture

DATA = Path(__file__).parents[4] / "shared" / "data"
SIDE = 64
PICTURE = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)

needs_data = pytest.mark.skipif(
    not (DATA / "models").is_dir(), reason="the models (../shared/data/models) are not here"
)


def known_outputs() -> Mapping[str, np.ndarray]:
    """One sure face in the second anchor of cell (3, 2) of stride 8, and a weaker one over it."""
    outputs = {}
    for stride in (8, 16, 32):
        cells = (SIDE // stride) ** 2
        for kind, values in (("score", 1), ("box", 4), ("marks", 10)):
            outputs[f"{kind}_{stride}"] = np.zeros((cells * 2, values), dtype=np.float32)
    row = (2 * 8 + 3) * 2 + 1
    for number, score in ((row, 0.9), (row - 1, 0.7)):
        outputs["score_8"][number] = score
        outputs["box_8"][number] = (1.5, 1, 2, 2.5)
        outputs["marks_8"][number] = (-1, 0, 1, 0, 0, 0.5, -0.5, 1, 0.5, 1)
    return outputs


def from_onnx(folder: Path) -> Backend:
    file = constant_outputs([1, 3, SIDE, SIDE], known_outputs())
    return OnnxBackend("scrfd", file, threads=1)


def from_hef(folder: Path) -> Backend:
    maps = {
        name: value.reshape(
            round((len(value) // 2) ** 0.5), round((len(value) // 2) ** 0.5), 2 * value.shape[1]
        )
        for name, value in known_outputs().items()
    }
    hef = FakeHef(
        input_shape=(SIDE, SIDE, 3),
        output_shapes={name: value.shape for name, value in maps.items()},
        infer=lambda frame: maps,
    )
    (folder / "scrfd.hef").touch()
    return HailoDevice(FakeHailoPlatform({"scrfd.hef": hef})).load("scrfd", folder / "scrfd.hef")


@pytest.mark.parametrize("make", [from_onnx, from_hef])
def test_one_cell_is_decoded_by_hand(make: object, tmp_path: Path) -> None:
    assert callable(make)
    (face,) = ScrfdFaceDetector(make(tmp_path), pixels=parse_input("3x0x0 rgb 0..255")).detect(
        PICTURE
    )
    x, y = 3 * 8, 2 * 8
    assert face.confidence == pytest.approx(0.9)
    assert (face.box.x1, face.box.y1) == pytest.approx((x - 12, y - 8))
    assert (face.box.x2, face.box.y2) == pytest.approx((x + 16, y + 20))
    assert face.landmarks is not None
    assert face.landmarks[0] == pytest.approx((x - 8, y))
    assert face.landmarks[2] == pytest.approx((x, y + 4))


def test_boxes_are_in_the_pixels_of_a_larger_picture(tmp_path: Path) -> None:
    detector = ScrfdFaceDetector(from_onnx(tmp_path))
    (face,) = detector.detect(np.zeros((SIDE * 2, SIDE * 4, 3), dtype=np.uint8))
    assert (face.box.x1, face.box.y1) == pytest.approx((12 * 4, 8 * 4))


def test_network_with_other_outputs_is_refused() -> None:
    three = constant_outputs([1, 3, 8, 8], {name: np.zeros(3) for name in "abc"})
    with pytest.raises(ModelFailed, match="3 outputs, expected 9"):
        ScrfdFaceDetector(OnnxBackend("x", three, threads=1))
    nine = constant_outputs([1, 3, 32, 32], {f"o{i}": np.zeros((5, 3)) for i in range(9)})
    detector = ScrfdFaceDetector(OnnxBackend("x", nine, threads=1))
    with pytest.raises(ModelFailed, match="it is no SCRFD"):
        detector.detect(PICTURE)


@needs_data
def test_real_model_finds_the_same_faces_as_yunet() -> None:
    picture = load_picture(DATA / "faces" / "couple.jpg")
    path = DATA / "models" / "scrfd_2.5g_bnkps.onnx"
    scrfd = ScrfdFaceDetector(OnnxBackend.from_file("scrfd", path, threads=2)).detect(picture)
    path = DATA / "models" / "yunet_n_dynamic.onnx"
    yunet = YunetFaceDetector(OnnxBackend.from_file("yunet", path, threads=2)).detect(picture)
    assert len(scrfd) == len(yunet) == 2
    for face in scrfd:
        other = max(yunet, key=lambda one: one.box.iou(face.box))
        assert face.box.iou(other.box) > 0.6
        assert face.landmarks is not None
        assert other.landmarks is not None
        for mine, theirs in zip(face.landmarks, other.landmarks, strict=True):
            assert np.hypot(mine[0] - theirs[0], mine[1] - theirs[1]) < 0.12 * face.box.width
