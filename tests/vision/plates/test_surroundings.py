"""The ground of a plate ends around its text; that of words on paint does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vision.geometry import Quad
from vision.plates.surroundings import REACH, Ground, ground_of
from vision.reading import Picture

QUAD: Quad = ((200, 200), (320, 200), (320, 240), (200, 240))


def painted(
    plate: tuple[int, int, int, int] | None, *, ink: int = 20, ground: int = 230
) -> Picture:
    """Letters in `QUAD` on a rectangle (left, top, right, bottom), or on a wall of its colour."""
    picture = np.full((480, 640, 3), 125 if plate else ground, np.uint8)
    if plate:
        cv2.rectangle(picture, plate[:2], plate[2:], (ground,) * 3, cv2.FILLED)
    cv2.putText(
        picture, "AB 123", (203, 234), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (ink,) * 3, 4, cv2.LINE_AA
    )
    return picture


def test_a_plate_ends_on_every_side() -> None:
    found = ground_of(painted((180, 190, 340, 260)), QUAD)
    assert found is not None
    assert found.is_enclosed
    ends = (found.above, found.below, found.left, found.right)
    assert ends == pytest.approx((0.25, 0.5, 0.5, 0.5), abs=0.1)


def test_light_letters_on_a_dark_plate_are_the_same() -> None:
    dark = painted((180, 190, 340, 260), ink=250, ground=20)
    found = ground_of(dark, QUAD)
    assert found is not None
    assert found.is_enclosed
    assert found.is_dark


def test_thick_strokes_and_a_dark_edge_within_the_line_make_no_ground_dark() -> None:
    picture = painted((196, 196, 324, 244))
    cv2.putText(
        picture, "AB 123", (203, 234), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20,) * 3, 8, cv2.LINE_AA
    )
    cv2.rectangle(picture, (196, 196), (324, 244), (30,) * 3, 6)
    found = ground_of(picture, QUAD)
    assert found is not None
    assert not found.is_dark


def test_how_close_the_ground_ends_is_told_across_and_along() -> None:
    found = Ground(above=0.0, below=None, left=0.225, right=REACH)
    assert (found.across, found.along) == (0.5, pytest.approx(0.25))


def test_words_on_paint_have_no_end() -> None:
    found = ground_of(painted(None), QUAD)
    assert found is not None
    assert not found.is_enclosed
    assert found.above is None


def test_a_frame_inside_the_lines_margin_ends_the_ground_on_paint_like_the_plates() -> None:
    picture = np.full((480, 640, 3), 200, np.uint8)
    cv2.rectangle(picture, (196, 198), (324, 243), (225,) * 3, cv2.FILLED)
    cv2.rectangle(picture, (196, 198), (324, 243), (90,) * 3, 2)
    cv2.putText(
        picture, "AB 123", (205, 232), cv2.FONT_HERSHEY_SIMPLEX, 0.95, (20,) * 3, 4, cv2.LINE_AA
    )
    found = ground_of(picture, ((192, 194), (328, 194), (328, 247), (192, 247)))
    assert found is not None
    assert found.is_enclosed
    assert found.across > 0.9


def test_letters_that_fill_the_line_are_no_frame() -> None:
    picture = np.full((480, 640, 3), 225, np.uint8)
    cv2.putText(
        picture, "EHEH", (200, 240), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (20,) * 3, 5, cv2.LINE_AA
    )
    found = ground_of(picture, ((199, 203), (330, 203), (330, 243), (199, 243)))
    assert found is not None
    assert found.above is None
    assert found.below is None


def test_where_nothing_is_written_there_is_no_ground() -> None:
    assert ground_of(np.full((480, 640, 3), 90, np.uint8), QUAD) is None


def test_a_line_at_the_pictures_edge_and_a_tiny_one_are_looked_at() -> None:
    picture = painted((180, 190, 340, 260))
    ground_of(picture, ((-20, -5), (60, -5), (60, 20), (-20, 20)))
    ground_of(picture, ((210, 210), (212, 210), (212, 211), (210, 211)))
