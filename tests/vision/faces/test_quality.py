"""Small, blurred, turned and badly lit faces are worth less."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.backends.onnx import OnnxBackend
from vision.faces.alignment import TEMPLATE
from vision.faces.quality import light, pose, quality_of, sharpness, size_share
from vision.faces.yunet import YunetFaceDetector
from vision.geometry import Box, Point
from vision.pictures import load_picture
from vision.reading import FaceDetection, Picture

DATA = Path(__file__).parents[4] / "shared" / "data"
FRONT = (TEMPLATE[0], TEMPLATE[1], TEMPLATE[2], TEMPLATE[3], TEMPLATE[4])
WHOLE = Box(x1=0, y1=0, x2=112, y2=112)


def face_like(*, mean: float = 120, spread: float = 60) -> Picture:
    noise = np.random.default_rng(0).normal(mean, spread, (112, 112, 1)).clip(0, 255)
    return np.repeat(noise.astype(np.uint8), 3, axis=2)


def with_nose(x: float, y: float) -> tuple[Point, Point, Point, Point, Point]:
    return (FRONT[0], FRONT[1], (x, y), FRONT[3], FRONT[4])


def test_below_forty_pixels_there_is_no_quality() -> None:
    assert size_share(39.9) == 0
    assert size_share(40) == pytest.approx(0.5)
    assert size_share(80) == size_share(500) == 1
    box = Box(x1=0, y1=0, x2=39, y2=39)
    assert quality_of(face_like(), FaceDetection(box=box, confidence=1)).total == 0


def test_blurred_face_is_less_sharp() -> None:
    sharp = face_like()
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 3), dtype=np.uint8)
    assert sharpness(sharp, WHOLE) == 1
    assert sharpness(blurred, WHOLE) < 0.2


def test_profile_and_nod_cost_and_tilt_does_not() -> None:
    front = pose(FRONT)
    assert front > 0.95
    assert pose(with_nose(65, 71)) < 0.7
    assert pose(with_nose(78, 71)) == 0
    assert pose(with_nose(56, 54)) < 0.3
    assert pose(with_nose(56, 90)) < 0.3
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    a, b, c, d, e = ((float(p[0]), float(p[1])) for p in np.array(FRONT) @ turn.T)
    assert pose((a, b, c, d, e)) == pytest.approx(front)


def test_eyes_in_one_place_are_no_pose() -> None:
    assert pose((FRONT[0], FRONT[0], FRONT[2], FRONT[3], FRONT[4])) == 0


def test_dark_burnt_out_and_flat_faces_are_badly_lit() -> None:
    assert light(face_like(), WHOLE) == 1
    assert light(face_like(mean=20, spread=8), WHOLE) < 0.4
    assert light(face_like(mean=245, spread=8), WHOLE) < 0.4
    assert light(face_like(spread=2), WHOLE) < 0.3


def test_box_outside_the_picture_is_worth_nothing() -> None:
    outside = Box(x1=500, y1=500, x2=600, y2=600)
    assert quality_of(face_like(), FaceDetection(box=outside, confidence=1)).total == 0


def test_parts_are_told_as_json() -> None:
    found = quality_of(face_like(), FaceDetection(box=WHOLE, confidence=1, landmarks=FRONT))
    assert set(found.as_json()) == {"size", "sharpness", "pose", "light"}
    assert 0.9 < found.total <= 1


@pytest.mark.skipif(
    not (DATA / "models").is_dir(), reason="the models (../shared/data/models) are not here"
)
def test_real_faces_are_worth_more_than_their_spoilt_copies() -> None:
    path = DATA / "models" / "yunet_n_dynamic.onnx"
    detector = YunetFaceDetector(OnnxBackend.from_file("yunet", path, threads=2))
    picture = load_picture(DATA / "faces" / "img4.jpg")
    face = max(detector.detect(picture), key=lambda one: one.box.area)
    whole = quality_of(picture, face)
    assert whole.total > 0.4
    blurred = cv2.GaussianBlur(picture, (0, 0), face.box.width / 25)
    dark = picture // 8
    assert quality_of(np.asarray(blurred, np.uint8), face).total < 0.7 * whole.total
    assert quality_of(dark, face).total < 0.7 * whole.total
