"""Lines that cannot be plates are refused before they are read, each for its reason."""

from __future__ import annotations

import math

import pytest

from vision.geometry import Box, Quad
from vision.plates.formats import formats_of
from vision.plates.gates import bounding_box, formats_for, geometry_fault, tilt_deg
from vision.plates.text_regions import TextRegion

VISIBLE = Box(x1=0, y1=0, x2=640, y2=480)


def region(x: float, y: float, width: float, height: float, angle_deg: float = 0.0) -> TextRegion:
    """A line whose top left corner lies at x, y."""
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    right, down = (width * cos, width * sin), (-height * sin, height * cos)
    quad: Quad = (
        (x, y),
        (x + right[0], y + right[1]),
        (x + right[0] + down[0], y + right[1] + down[1]),
        (x + down[0], y + down[1]),
    )
    return TextRegion(quad=quad, score=0.8)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (region(100, 100, 120, 30), None),
        (region(100, 100, 120, 30, 20), None),
        (region(100, 100, 30, 8), "small"),
        (region(100, 100, 300, 20), "shape"),
        (region(100, 100, 40, 40), "shape"),
        (region(300, 100, 120, 30, 60), "tilted"),
        (region(-20, 100, 120, 30), "cut"),
        (region(540, 100, 120, 30), "cut"),
        (region(100, 465, 120, 30), "cut"),
        (region(-2, 100, 120, 30), None),
    ],
)
def test_fault_of_a_line(line: TextRegion, fault: str | None) -> None:
    assert geometry_fault(line, formats_of(["eu"]), VISIBLE) == fault


def test_edge_of_the_searched_part_cuts_too() -> None:
    part = Box(x1=110, y1=0, x2=640, y2=480)
    assert geometry_fault(region(100, 100, 120, 30), formats_of(["eu"]), part) == "cut"


def test_shape_decides_which_regions_come_in_question() -> None:
    wide = formats_for(6.0, formats_of(["eu", "us"]))
    square = formats_for(1.5, formats_of(["eu", "us"]))
    assert {entry.region for entry in wide} == {"eu"}
    assert {entry.region for entry in square} == {"us"}


def test_tilt_and_bounding_box() -> None:
    quad = region(100, 100, 100, 20, 30).quad
    assert tilt_deg(quad) == pytest.approx(30)
    box = bounding_box(quad)
    assert (box.x1, box.y1) == pytest.approx((90, 100))
    assert box.width == pytest.approx(100 * math.cos(math.pi / 6) + 10)
