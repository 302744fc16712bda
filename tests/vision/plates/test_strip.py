"""A blue strip left of the text tells a European plate; blue walls, signs and vehicles do not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vision.geometry import Quad
from vision.plates.surroundings import ground_of
from vision.reading import Picture

LINE: Quad = ((200, 200), (320, 200), (320, 240), (200, 240))
WITH_STRIP: Quad = ((172, 200), (320, 200), (320, 240), (172, 240))
BLUE, WHITE, BLACK, RED, GREY, GREEN = (
    (150, 60, 10),
    (232,) * 3,
    (25,) * 3,
    (30, 30, 160),
    (110,) * 3,
    (60, 110, 20),
)
Colour = tuple[int, ...]


def drawn(
    *,
    paint: Colour = GREY,
    ground: Colour = WHITE,
    ink: Colour = BLACK,
    strip: tuple[int, int, Colour] | None = (174, 192, BLUE),
) -> Picture:
    """A plate on paint; `strip` is from and to which column, and of which colour."""
    picture = np.full((480, 640, 3), paint, np.uint8)
    cv2.rectangle(picture, (170, 193), (336, 247), ground, cv2.FILLED)
    if strip:
        cv2.rectangle(picture, (strip[0], 195), (strip[1], 245), strip[2], cv2.FILLED)
        cv2.putText(
            picture, "D", (strip[0] + 3, 243), cv2.FONT_HERSHEY_SIMPLEX, 0.5, WHITE, 1, cv2.LINE_AA
        )
    cv2.putText(picture, "AB 123", (203, 234), cv2.FONT_HERSHEY_SIMPLEX, 1.0, ink, 4, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.uint8)


def told(picture: Picture, line: Quad = LINE) -> bool:
    found = ground_of(picture, line)
    assert found is not None
    return found.has_strip


@pytest.mark.parametrize("line", [LINE, WITH_STRIP])
@pytest.mark.parametrize("paint", [GREY, WHITE, BLACK, RED])
def test_a_strip_is_seen_on_paint_of_any_colour_in_the_line_or_beside_it(
    line: Quad, paint: Colour
) -> None:
    assert told(drawn(paint=paint), line)


def test_a_strip_is_seen_on_a_black_plate_of_a_black_car_and_in_bluish_light() -> None:
    black = drawn(paint=BLACK, ground=BLACK, ink=WHITE)
    assert told(black)
    dusk = np.clip(drawn() * np.array([0.6, 0.45, 0.4]), 0, 255).astype(np.uint8)
    assert told(dusk)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(drawn(strip=None), id="none"),
        pytest.param(drawn(strip=(174, 192, RED)), id="red"),
        pytest.param(drawn(strip=(174, 192, BLACK)), id="black"),
        pytest.param(drawn(strip=None, paint=BLUE), id="blue vehicle"),
        pytest.param(drawn(strip=None, paint=BLUE, ground=BLUE, ink=WHITE), id="blue sign"),
        pytest.param(drawn(strip=(184, 186, BLUE)), id="a line"),
        pytest.param(drawn(strip=(174, 192, GREY), ground=RED, ink=WHITE), id="grey on red"),
        pytest.param(drawn(strip=(174, 192, GREY), ground=GREEN, ink=WHITE), id="grey on green"),
    ],
)
def test_other_things_are_no_strip(picture: Picture) -> None:
    assert not told(picture)


def test_a_blue_wall_beside_a_white_sign_is_no_strip() -> None:
    picture = drawn(strip=None)
    picture[:, :170] = BLUE
    assert not told(picture)
    post = drawn(strip=None)
    post[:, 172:192] = BLUE
    assert not told(post)
