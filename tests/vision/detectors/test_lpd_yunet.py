"""LPD-YuNet's anchors and corners are decoded as its publisher does."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.vision.tiny_onnx import constant_outputs
from vision.backends.onnx import OnnxBackend
from vision.detectors.lpd_yunet import LpdYunetDetector, anchors_of, ordered
from vision.errors import ModelFailed
from vision.input import parse_input

HEIGHT, WIDTH = 240, 320
PIXELS = parse_input("3x240x320 bgr 0..255")
PICTURE = np.zeros((480, 640, 3), dtype=np.uint8)
ANCHORS = 30 * 40 * 3 + 15 * 20 * 2 + 7 * 10 * 2 + 3 * 5 * 3


def detector(**values: np.ndarray) -> LpdYunetDetector:
    outputs = {
        "loc": np.zeros((ANCHORS, 14)),
        "conf": np.zeros((ANCHORS, 2)),
        "iou": np.zeros((ANCHORS, 1)),
        **values,
    }
    file = constant_outputs([1, 3, HEIGHT, WIDTH], outputs)
    return LpdYunetDetector(OnnxBackend("lpd", file, threads=1), PIXELS)


def test_anchors_cover_the_maps_row_by_row() -> None:
    anchors = anchors_of(HEIGHT, WIDTH)
    assert len(anchors) == ANCHORS == 4385
    assert anchors[0] == pytest.approx((4 / 320, 4 / 240, 10 / 320, 10 / 240))
    assert anchors[1] == pytest.approx((4 / 320, 4 / 240, 16 / 320, 16 / 240))
    assert anchors[3][:2] == pytest.approx((12 / 320, 4 / 240))
    assert anchors[-1] == pytest.approx((288 / 320, 160 / 240, 256 / 320, 256 / 240))


def test_corners_are_offsets_in_tenths_of_the_anchor() -> None:
    number = (10 * 40 + 20) * 3 + 2  # row 10, column 20, size 24
    loc, conf, iou = np.zeros((ANCHORS, 14)), np.zeros((ANCHORS, 2)), np.zeros((ANCHORS, 1))
    loc[number, [4, 5]] = (10, 5)
    loc[number, [6, 7]] = (-10, 5)
    loc[number, [10, 11]] = (-10, -5)
    loc[number, [12, 13]] = (10, -5)
    conf[number, 1], iou[number] = 1.0, 0.81
    (plate,) = detector(loc=loc, conf=conf, iou=iou).detect(PICTURE)
    x, y = 2 * 20.5 * 8, 2 * 10.5 * 8  # the picture is twice the input
    assert plate.confidence == pytest.approx(0.9)
    box = (plate.box.x1, plate.box.y1, plate.box.x2, plate.box.y2)
    assert box == pytest.approx((x - 48, y - 24, x + 48, y + 24), rel=1e-5)
    assert plate.corners is not None
    assert plate.corners[0] == pytest.approx((x - 48, y - 24), rel=1e-5)
    assert plate.corners[2] == pytest.approx((x + 48, y + 24), rel=1e-5)


def test_score_needs_plate_and_fit_and_overlaps_are_one() -> None:
    conf, iou = np.zeros((ANCHORS, 2)), np.zeros((ANCHORS, 1))
    conf[5, 1] = 1.0
    assert detector(conf=conf, iou=iou).detect(PICTURE) == ()
    loc = np.zeros((ANCHORS, 14))
    for number, fit in ((3, 1.0), (4, 0.9)):  # two anchors of one cell
        loc[number, [4, 5, 6, 7, 10, 11, 12, 13]] = (-9, -5, 9, -5, 9, 5, -9, 5)
        conf[number, 1], iou[number] = 1.0, fit
    assert len(detector(loc=loc, conf=conf, iou=iou).detect(PICTURE)) == 1


def test_corners_are_put_in_order() -> None:
    corners = [(10.0, 12.0), (2.0, 10.0), (4.0, 1.0), (12.0, 3.0)]
    assert ordered(corners) == ((4.0, 1.0), (12.0, 3.0), (10.0, 12.0), (2.0, 10.0))
    assert math.dist(ordered(corners[::-1])[0], (4.0, 1.0)) == 0


def test_other_networks_are_refused() -> None:
    other = OnnxBackend("x", constant_outputs([1, 3, 8, 8], {"a": np.zeros(1)}), threads=1)
    with pytest.raises(ModelFailed, match="it is no LPD-YuNet"):
        LpdYunetDetector(other, PIXELS)
    with pytest.raises(ModelFailed, match=r"\(7, 14\) for 4385 anchors"):
        detector(loc=np.zeros((7, 14))).detect(PICTURE)
