"""Bright bars in a probability map come out as lines where they lie."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.plates.text_regions import UNCLIP_RATIO, TextRegion, text_regions


def bar(width: float, height: float, angle_deg: float, level: float = 0.9) -> np.ndarray:
    """A map of 200x200 with one bar in its middle."""
    probability = np.zeros((200, 200), dtype=np.float32)
    corners = cv2.boxPoints(((100.0, 100.0), (width, height), angle_deg))
    cv2.fillPoly(probability, [np.round(corners).astype(np.int32)], level)
    return probability


def find(probability: np.ndarray, scale: float = 1.0) -> tuple[TextRegion, ...]:
    return text_regions(probability, scale_x=scale, scale_y=scale, least_score=0.5)


@settings(deadline=None, max_examples=60)
@given(st.floats(40, 120), st.floats(12, 30), st.floats(-44, 44))
def test_a_bar_is_found_grown_and_in_reading_order(
    width: float, height: float, angle_deg: float
) -> None:
    (region,) = find(bar(width, height, angle_deg))
    grown = width * height * UNCLIP_RATIO / (width + height)
    assert region.width == pytest.approx(width + grown, abs=8)
    assert region.height == pytest.approx(height + grown, abs=8)
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = region.quad
    assert math.degrees(math.atan2(by - ay, bx - ax)) == pytest.approx(angle_deg, abs=5)
    assert bx > ax
    assert cx > dx
    assert dy > ay
    assert cy > by
    center = ((ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4)
    assert center == pytest.approx((100.5, 100.5), abs=2)
    assert region.score > 0.5


def test_regions_are_given_in_the_pixels_of_the_picture() -> None:
    (small,) = find(bar(80, 20, 0))
    (large,) = find(bar(80, 20, 0), scale=3.0)
    assert large.width == pytest.approx(3 * small.width)
    assert large.quad[0] == pytest.approx(tuple(3 * value for value in small.quad[0]))


def test_faint_and_tiny_regions_are_noise() -> None:
    assert find(bar(80, 20, 0, level=0.4)) == ()
    assert find(bar(2, 1, 0)) == ()
    assert find(np.zeros((64, 64), dtype=np.float32)) == ()


def test_widest_come_first() -> None:
    probability = np.zeros((200, 200), dtype=np.float32)
    probability[20:40, 20:80] = 0.9
    probability[100:120, 20:180] = 0.9
    widths = [region.width for region in find(probability)]
    assert len(widths) == 2
    assert widths == sorted(widths, reverse=True)
