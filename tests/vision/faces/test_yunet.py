"""YuNet's outputs are decoded as published, and its faces are where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vision.backends.onnx import OnnxBackend
from vision.errors import ModelFailed
from vision.faces.face_boxes import distinct
from vision.faces.yunet import YunetFaceDetector, decode_stride
from vision.manifest import locate, model_entry
from vision.pictures import load_picture

DATA = Path(__file__).parents[4] / "shared" / "data"
MODELS = ("yunet_n_dynamic", "yunet_n_320_320")

needs_data = pytest.mark.skipif(
    not (DATA / "models").is_dir(), reason="the models (../shared/data/models) are not here"
)


def detector(name: str) -> YunetFaceDetector:
    path = DATA / "models" / f"{name}.onnx"
    return YunetFaceDetector(OnnxBackend.from_file(name, path, threads=1))


def test_one_cell_is_decoded_by_hand() -> None:
    outputs = {
        "cls_8": np.zeros((1, 12, 1), dtype=np.float32),
        "obj_8": np.ones((1, 12, 1), dtype=np.float32),
        "bbox_8": np.zeros((1, 12, 4), dtype=np.float32),
        "kps_8": np.zeros((1, 12, 10), dtype=np.float32),
    }
    outputs["cls_8"][0, 6] = 0.81  # the third cell of the second row of four
    outputs["bbox_8"][0, 6] = (0.5, 0.25, np.log(4), np.log(2))
    outputs["kps_8"][0, 6, :2] = (1, -1)
    found = decode_stride(outputs, 8, 4, 0.5)
    assert found.scores == pytest.approx([0.9])
    assert found.boxes[0] == pytest.approx([20 - 16, 10 - 8, 20 + 16, 10 + 8])
    assert found.landmarks[0, 0] == pytest.approx([24, 0])


def test_overlapping_boxes_are_one_face() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [50, 0, 60, 10]], dtype=np.float32)
    scores = np.array([0.7, 0.9, 0.8], dtype=np.float32)
    assert list(distinct(boxes, scores, 0.3)) == [1, 2]


def test_another_network_is_refused() -> None:
    name = "pp-ocrv6-det-small"
    backend = OnnxBackend.from_file(name, locate(model_entry(name)), threads=1)
    with pytest.raises(ModelFailed, match="no YuNet"):
        YunetFaceDetector(backend)


@needs_data
@pytest.mark.parametrize("name", MODELS)
def test_couple_shows_two_faces_with_landmarks_inside(name: str) -> None:
    faces = detector(name).detect(load_picture(DATA / "faces" / "couple.jpg"))
    assert len(faces) == 2
    for face in faces:
        assert face.confidence > 0.8
        assert face.landmarks is not None
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
        assert left_eye[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert left_eye[1] < nose[1] < left_mouth[1]
        assert face.box.x1 < nose[0] < face.box.x2


@needs_data
def test_fixed_and_free_sizes_agree_where_faces_are() -> None:
    picture = load_picture(DATA / "faces" / "img1.jpg")
    (free,), (fixed,) = (detector(name).detect(picture) for name in MODELS)
    assert free.box.iou(fixed.box) > 0.7
