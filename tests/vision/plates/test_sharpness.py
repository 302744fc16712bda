"""The sharper of two pictures of one plate is told, whatever the light."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from agent.camera.synthetic.bodies import End
from agent.camera.synthetic.platework import plate_texture
from agent.camera.synthetic.registration import Region, registration
from vision.geometry import Box
from vision.plates.sharpness import plate_sharpness
from vision.reading import Picture

ALL = Box(x1=0, y1=0, x2=104, y2=22)


def _plate(number: int, *, light: float = 1.0, blur: float = 0.0) -> Picture:
    texture = plate_texture(
        registration(seed=5, number=number, regions=(Region.DE,)),
        End.FRONT,
        np.random.default_rng(number),
    )
    small = cv2.resize(texture, (104, 22), interpolation=cv2.INTER_AREA)
    if blur:
        small = cv2.GaussianBlur(small, (0, 0), blur)
    return np.asarray(np.clip(small * light, 0, 255), dtype=np.uint8)


@pytest.mark.parametrize("number", range(6))
def test_blur_lowers_it_and_light_does_not(number: int) -> None:
    sharp = plate_sharpness(_plate(number), ALL)
    for blur in (0.8, 1.5, 3.0):
        blurred = plate_sharpness(_plate(number, blur=blur), ALL)
        assert blurred < 0.8 * sharp
        sharp = blurred
    dark = plate_sharpness(_plate(number, light=0.3), ALL)
    assert dark == pytest.approx(plate_sharpness(_plate(number), ALL), rel=0.15)


def test_what_shows_nothing_or_lies_outside_is_not_sharp() -> None:
    flat = np.full((50, 120, 3), 90, np.uint8)
    assert plate_sharpness(flat, ALL) == 0.0
    assert plate_sharpness(flat, ALL.shifted(500, 0)) == 0.0
