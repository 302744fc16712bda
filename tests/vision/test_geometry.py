"""Boxes: overlap, shares and pixels, and what is no box."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.geometry import Box

SIDES = st.floats(-2000, 4000)
BOXES = st.builds(
    lambda x, y, w, h: Box.from_xywh(x, y, w, h),
    SIDES,
    SIDES,
    st.floats(0.1, 3000),
    st.floats(0.1, 3000),
)


@given(BOXES, BOXES)
def test_overlap_is_symmetric_and_a_share(one: Box, other: Box) -> None:
    assert one.iou(other) == pytest.approx(other.iou(one))
    assert 0.0 <= one.iou(other) <= 1.0 + 1e-9
    assert one.iou(one) == pytest.approx(1.0)
    assert one.intersection(other) <= min(one.area, other.area) * (1 + 1e-9)


def test_overlap_of_known_boxes() -> None:
    box = Box.from_xywh(0, 0, 10, 10)
    assert box.iou(Box.from_xywh(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert box.iou(Box.from_xywh(10, 0, 10, 10)) == 0.0
    assert Box(x1=3, y1=3, x2=3, y2=3).iou(Box(x1=3, y1=3, x2=3, y2=3)) == 0.0


@given(BOXES, st.integers(1, 8000), st.integers(1, 8000))
def test_shares_and_pixels_are_inverse(box: Box, width: int, height: int) -> None:
    back = box.normalised(width, height).denormalised(width, height)
    assert (back.x1, back.y1, back.x2, back.y2) == pytest.approx((box.x1, box.y1, box.x2, box.y2))


def test_a_picture_is_one_by_one_in_shares() -> None:
    whole = Box(x1=0, y1=0, x2=1280, y2=720).normalised(1280, 720)
    assert whole == Box(x1=0, y1=0, x2=1, y2=1)


@given(BOXES, st.floats(1, 4000), st.floats(1, 4000))
def test_what_is_clipped_lies_inside_and_is_sound(box: Box, width: float, height: float) -> None:
    part = box.clipped(width, height)
    assert part.is_sound
    assert 0 <= part.x1 <= part.x2 <= width
    assert 0 <= part.y1 <= part.y2 <= height


@pytest.mark.parametrize(
    "box",
    [
        Box(x1=math.nan, y1=0, x2=1, y2=1),
        Box(x1=0, y1=-math.inf, x2=1, y2=1),
        Box(x1=2, y1=0, x2=1, y2=1),
        Box(x1=0, y1=2, x2=1, y2=1),
    ],
)
def test_what_is_no_box_is_not_sound(box: Box) -> None:
    assert not box.is_sound
