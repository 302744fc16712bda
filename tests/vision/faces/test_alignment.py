"""Faces are laid upright by the similarity that fits best, never mirrored or sheared."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vision.faces.alignment import ALIGNED_SIDE, TEMPLATE, aligned, similarity


@given(
    angle=st.floats(-math.pi, math.pi),
    scale=st.floats(0.1, 20),
    dx=st.floats(-2000, 2000),
    dy=st.floats(-2000, 2000),
)
def test_any_turn_scale_and_shift_is_undone(
    angle: float, scale: float, dx: float, dy: float
) -> None:
    along, across = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[along, -across], [across, along]])
    moved = np.array(TEMPLATE) @ turn.T + (dx, dy)
    matrix = similarity([tuple(point) for point in moved], TEMPLATE)
    back = moved @ matrix[:, :2].T + matrix[:, 2]
    assert back == pytest.approx(np.array(TEMPLATE), abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=5, max_size=5))
def test_whatever_the_points_it_is_a_similarity(points: list[tuple[float, float]]) -> None:
    assume(np.asarray(points).var(axis=0).sum() > 1)
    turn = similarity(points, TEMPLATE)[:, :2]
    scale = math.hypot(*turn[0])
    assume(scale > 1e-6)
    assert np.linalg.det(turn) == pytest.approx(scale**2, rel=1e-6)  # no mirror, no shear
    assert turn @ turn.T == pytest.approx(scale**2 * np.eye(2), abs=1e-9 + 1e-6 * scale**2)


def test_fit_is_the_least_squares_one() -> None:
    rng = np.random.default_rng(3)
    points = [tuple(point) for point in np.array(TEMPLATE) * 2 + rng.normal(0, 3, (5, 2))]
    matrix = similarity(points, TEMPLATE)

    def error(moved: np.ndarray) -> float:
        found = np.array(points) @ moved[:, :2].T + moved[:, 2]
        return float(((found - np.array(TEMPLATE)) ** 2).sum())

    a, b = matrix[0, 0], matrix[1, 0]
    for da, db, dx, dy in np.eye(4) * 1e-3:
        nudged = np.array([[a + da, -(b + db), 0], [b + db, a + da, 0]])
        nudged[:, 2] = matrix[:, 2] + (dx, dy)
        assert error(nudged) > error(matrix)


def test_points_in_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity([(5.0, 5.0)] * 5, TEMPLATE)


def test_marks_come_to_lie_where_the_template_has_them() -> None:
    picture = np.zeros((300, 400, 3), dtype=np.uint8)
    marks = [(40 + 1.5 * x, 30 + 1.5 * y) for x, y in TEMPLATE]
    for x, y in marks:
        cv2.circle(picture, (round(x), round(y)), 3, (255, 255, 255), -1)
    face = aligned(picture, marks)
    assert face.shape == (ALIGNED_SIDE, ALIGNED_SIDE, 3)
    for x, y in TEMPLATE:
        assert face[round(y), round(x)].min() > 150
    assert face.mean() < 20
