"""What is kept of a picture: the face and what is close around it."""

from __future__ import annotations

import pytest

from server.faces.looking import cut_out
from tests.server.faces.tiny_faces import SIDE, face
from vision.geometry import Box
from vision.pictures import decode_picture


def kept(box: Box) -> tuple[int, ...]:
    """Height and width."""
    return decode_picture(cut_out(face(), box)).shape[:2]


def test_half_of_the_face_s_size_is_kept_around_it() -> None:
    assert kept(Box(x1=60, y1=50, x2=100, y2=90)) == (80, 80)


def test_what_lies_outside_the_picture_is_left_out() -> None:
    assert kept(Box(x1=-20, y1=0, x2=60, y2=80)) == (120, 100)


@pytest.mark.parametrize("shift", [-500, 500])
def test_a_box_beyond_the_picture_breaks_nothing(shift: int) -> None:
    box = Box(x1=0, y1=0, x2=SIDE, y2=SIDE).shifted(shift, shift)
    height, width = kept(box)
    assert min(height, width) >= 2
