"""Quads are scaled about their centre, and their pixels laid straight."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.geometry import Quad
from vision.plates.rectify import rectified, scaled

SQUARE: Quad = ((10, 10), (50, 10), (50, 30), (10, 30))
COORDINATE = st.floats(-500, 500)


@given(COORDINATE, COORDINATE, st.floats(5, 300), st.floats(5, 100), st.floats(0.5, 2))
def test_scaling_an_upright_quad_scales_its_sides(
    x: float, y: float, width: float, height: float, factor: float
) -> None:
    quad: Quad = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    (ax, ay), _, (cx, cy), _ = scaled(quad, along=factor, across=1 / factor)
    assert cx - ax == pytest.approx(width * factor, abs=1e-6)
    assert cy - ay == pytest.approx(height / factor, abs=1e-6)
    assert (ax + cx) / 2 == pytest.approx(x + width / 2, abs=1e-6)
    assert (ay + cy) / 2 == pytest.approx(y + height / 2, abs=1e-6)


def test_upright_quad_is_cut_out_as_it_is() -> None:
    picture = np.zeros((60, 80, 3), dtype=np.uint8)
    picture[10:30, 10:30] = (0, 0, 200)
    picture[10:30, 30:50] = (200, 0, 0)
    crop = rectified(picture, SQUARE, width=40, height=20)
    assert crop.shape == (20, 40, 3)
    assert np.all(crop[3:17, 3:17] == (0, 0, 200))
    assert np.all(crop[3:17, 23:37] == (200, 0, 0))


@pytest.mark.parametrize("scale", [1, 6])
@pytest.mark.parametrize("angle_deg", [-30, 0, 20])
def test_tilted_and_large_quads_are_laid_straight(scale: int, angle_deg: float) -> None:
    size = 200 * scale
    center = (size / 2, size / 2)
    quad = cv2.boxPoints((center, (100 * scale, 40 * scale), angle_deg))
    picture = np.full((size, size, 3), 255, dtype=np.uint8)
    cv2.fillPoly(picture, [np.round(quad).astype(np.int32)], (0, 0, 0))
    # boxPoints gives bottom left, top left, top right, bottom right for these angles.
    ordered = sorted(quad.tolist(), key=lambda p: p[0])
    left = sorted(ordered[:2], key=lambda p: p[1])
    right = sorted(ordered[2:], key=lambda p: p[1])
    corners: Quad = (tuple(left[0]), tuple(right[0]), tuple(right[1]), tuple(left[1]))
    crop = rectified(picture, corners, width=100, height=40)
    assert crop[4:-4, 4:-4].max() < 10


def test_parts_outside_the_picture_repeat_its_edge() -> None:
    picture = np.full((20, 20, 3), 77, dtype=np.uint8)
    quad: Quad = ((-30, -30), (10, -30), (10, 10), (-30, 10))
    assert np.all(rectified(picture, quad, width=30, height=30) == 77)
