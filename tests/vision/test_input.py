"""Pictures become what a network takes, and its boxes become the picture's again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.input import letterbox, parse_input


def test_text_of_the_manifest_is_read() -> None:
    spec = parse_input("3x0x640 rgb -1..1, multiples of 32")
    assert (spec.channels, spec.height, spec.width, spec.order) == (3, 0, 640, "rgb")
    assert (spec.low, spec.high) == (-1, 1)


@pytest.mark.parametrize(
    "text", ["", "3x640x640", "3x640x640 bgr", "4x1x1 bgr 0..1", "3x1x1 bgr 0"]
)
def test_text_that_says_too_little_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        parse_input(text)


def test_black_and_white_become_the_ends_of_the_range() -> None:
    picture = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    tensor = parse_input("3x0x0 bgr -1..1").tensor(picture)
    assert tensor.shape == (1, 3, 1, 2)
    assert tensor[0, :, 0, 0] == pytest.approx(-1)
    assert tensor[0, :, 0, 1] == pytest.approx(1)
    assert tensor.flags.c_contiguous


def test_channels_are_turned_where_the_network_wants_red_first() -> None:
    picture = np.array([[[1, 2, 3]]], dtype=np.uint8)
    assert parse_input("3x0x0 rgb 0..255").tensor(picture).ravel() == pytest.approx([3, 2, 1])
    assert parse_input("3x0x0 bgr 0..255").tensor(picture).ravel() == pytest.approx([1, 2, 3])


@given(
    height=st.integers(2, 900),
    width=st.integers(2, 900),
    fixed=st.sampled_from([(None, None), (240, 320), (64, 64)]),
)
def test_corners_come_back_where_they_were(
    height: int, width: int, fixed: tuple[int | None, int | None]
) -> None:
    picture = np.full((height, width, 3), 200, dtype=np.uint8)
    box, framed = letterbox(picture, fixed=fixed, most_side=640)
    assert framed.shape == (box.height, box.width, 3)
    if fixed != (None, None):
        assert (box.height, box.width) == fixed
    else:
        assert box.scale <= 1
        assert max(framed.shape[:2]) <= 640
        assert framed.shape[0] % 32 == framed.shape[1] % 32 == 0
    found = box.box(0, 0, width * box.scale, height * box.scale)
    assert (found.x2, found.y2) == pytest.approx((width, height))
    assert box.point(width * box.scale, 0) == pytest.approx((width, 0))
    assert framed[0, 0, 0] > 150  # the picture lies in the top left corner
