from __future__ import annotations

import time
from itertools import cycle

import cv2
import numpy as np
import pytest

from agent.pipeline.motion import MotionGate, MotionLook, MotionSettings
from vision.geometry import Box
from vision.reading import Picture

RNG = np.random.default_rng(5)
ROAD: Picture = cv2.GaussianBlur(
    RNG.integers(60, 140, (720, 1280, 3), dtype=np.uint8), (0, 0), 5
).astype(np.uint8)

NOISE = [RNG.standard_normal(ROAD.shape, dtype=np.float32) for _ in range(5)]
"""Enough of it that no two neighbouring frames share theirs."""
_turn = cycle(NOISE)


def _frame(*vehicles: Box, noise: float = 3.0, light: float = 1.0) -> Picture:
    picture = ROAD.astype(np.float32) * np.float32(light)
    for box in vehicles:
        x, y, width, height = box.as_xywh()
        picture[max(y, 0) : y + height, max(x, 0) : x + width] = (
            30 * light,
            20 * light,
            25 * light,
        )
    picture += next(_turn) * noise
    frame: Picture = np.clip(picture, 0, 255).astype(np.uint8)
    return frame


def _settled(noise: float = 3.0) -> MotionGate:
    gate = MotionGate(MotionSettings())
    for number in range(15):
        gate.look(_frame(noise=noise), number * 0.1)
    return gate


@pytest.mark.parametrize("noise", [0.0, 3.0, 15.0, 30.0])
def test_a_static_scene_gives_nothing_however_noisy(noise: float) -> None:
    gate = MotionGate(MotionSettings())
    looks = [gate.look(_frame(noise=noise), number * 0.1) for number in range(30)]
    assert all(look.regions == () for look in looks)


def _with_sign(picture: Picture, text: str) -> Picture:
    cv2.rectangle(picture, (600, 300), (760, 344), (240, 240, 240), -1)
    cv2.putText(picture, text, (606, 334), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (15, 15, 15), 3)
    return picture


SIGN = Box.from_xywh(604, 304, 150, 36)


def test_a_sign_that_was_covered_for_a_while_still_shows_the_background() -> None:
    gate = MotionGate(MotionSettings())
    for number in range(15):
        gate.look(_with_sign(_frame(), "BUS 123"), number * 0.1)
    lorry = Box.from_xywh(300, 200, 700, 300)
    for number in range(15, 45):
        look = gate.look(_frame(lorry), number * 0.1)
    assert not look.shows_background(SIGN)
    look = gate.look(_with_sign(_frame(), "BUS 123"), 4.5)
    assert look.changed_share(SIGN) > 0.3
    assert look.shows_background(SIGN)
    assert not gate.look(_with_sign(_frame(), "WX 709"), 4.6).shows_background(SIGN)


def test_a_plate_that_has_stood_for_some_seconds_does_not_show_the_background() -> None:
    gate = _settled()
    for number in range(15, 60):
        look = gate.look(_with_sign(_frame(), "BUS 123"), number * 0.1)
        assert not look.shows_background(SIGN)


@pytest.mark.parametrize("noise", [3.0, 15.0])
def test_a_moving_vehicle_is_one_region_that_holds_it(noise: float) -> None:
    gate = _settled(noise)
    for step in range(8):
        vehicle = Box.from_xywh(100 + 60 * step, 200, 300, 200)
        (region,) = gate.look(_frame(vehicle, noise=noise), 1.5 + step * 0.1).regions
        assert region.intersection(vehicle) > 0.97 * vehicle.area
        assert region.area < 2.0 * vehicle.area


def test_two_vehicles_in_two_lanes_are_two_regions() -> None:
    look = _settled().look(
        _frame(Box.from_xywh(150, 200, 300, 250), Box.from_xywh(700, 300, 350, 250)), 1.5
    )
    assert len(look.regions) == 2


def test_a_region_does_not_leave_the_picture() -> None:
    (region,) = _settled().look(_frame(Box.from_xywh(1000, 500, 280, 220)), 1.5).regions
    assert (region.x2, region.y2) == (1280, 720)


@pytest.mark.parametrize("light", [0.8, 1.25])
def test_a_jump_of_exposure_is_no_motion(light: float) -> None:
    gate = _settled()
    looks = [gate.look(_frame(light=light), 1.5 + number * 0.1) for number in range(5)]
    assert all(look.regions == () for look in looks)


def test_slowly_changing_light_is_no_motion_and_hides_none() -> None:
    gate = _settled()
    for number in range(40):
        look = gate.look(_frame(light=1.0 + 0.01 * number), 1.5 + number * 0.1)
        assert look.regions == ()
    assert len(gate.look(_frame(Box.from_xywh(400, 200, 300, 200), light=1.4), 5.5).regions) == 1


def test_dusk_and_dawn_under_a_lamp_are_no_motion() -> None:
    """Lamps, and what the camera writes, do not follow the light of the picture as a whole."""
    across, down = np.meshgrid(np.linspace(0, 1, 320), np.linspace(0, 1, 180))
    lamp = 0.07 + 0.17 * np.exp(-((across - 0.6) ** 2 + (down - 0.4) ** 2) / 0.05)
    day = cv2.resize(cv2.cvtColor(ROAD, cv2.COLOR_BGR2GRAY), (320, 180)).astype(np.float64)
    gate, moving = MotionGate(MotionSettings()), list[int]()
    for number in range(160):
        is_dark = min(1.0, max(0.0, (number - 30) / 15)) * min(1.0, max(0.0, (110 - number) / 15))
        grey = day * (1 - is_dark + is_dark * lamp) + RNG.normal(0, 1, day.shape)
        grey[5:12, 40:150:3] = 250
        luma = np.clip(grey, 0, 255).astype(np.uint8)
        if gate.look(ROAD, number * 0.1, luma=luma).regions:
            moving.append(number)
    assert len(moving) <= 8


def test_a_vehicle_that_comes_soon_after_the_light_is_motion() -> None:
    gate = _settled()
    lights = [*np.linspace(1.0, 0.1, 12), *[0.1] * 4, *np.linspace(0.1, 1.0, 12), *[1.0] * 8]
    for number, light in enumerate(lights):
        gate.look(_frame(light=float(light)), 1.5 + number * 0.1)
    vehicle = Box.from_xywh(400, 200, 300, 200)
    look = gate.look(_frame(vehicle), 1.5 + len(lights) * 0.1)
    assert sum(region.intersection(vehicle) for region in look.regions) > 0.9 * vehicle.area


def test_a_change_of_the_whole_view_is_learned_anew() -> None:
    gate = _settled()
    other = np.ascontiguousarray(255 - ROAD[::-1])
    assert gate.look(other, 1.5).regions == ()
    assert gate.look(other, 1.6).regions == ()


def test_a_parked_vehicle_becomes_background_but_not_soon() -> None:
    gate = _settled()
    vehicle = Box.from_xywh(400, 200, 300, 200)
    looks = [gate.look(_frame(vehicle), 1.5 + number * 0.5) for number in range(80)]
    seen = [bool(look.regions) for look in looks]
    assert all(seen[:10])
    assert not any(seen[-10:])


def test_changed_share_tells_the_vehicle_from_what_stands_beside_it() -> None:
    vehicle = Box.from_xywh(400, 200, 300, 200)
    look: MotionLook = _settled().look(_frame(vehicle), 1.5)
    assert look.changed_share(Box.from_xywh(450, 250, 100, 40)) > 0.9
    assert look.changed_share(Box.from_xywh(900, 250, 100, 40)) < 0.05
    assert look.changed_share(Box.from_xywh(-500, -500, 10, 10)) == 0.0


def test_another_picture_size_starts_anew() -> None:
    gate = _settled()
    assert gate.look(np.zeros((240, 320, 3), np.uint8), 1.5).regions == ()


def test_a_look_is_a_small_part_of_a_frame() -> None:
    gate = _settled()
    pictures = [_frame(Box.from_xywh(100 * n, 200, 300, 200)) for n in range(4)]
    took_s = []
    for number in range(40):
        began = time.process_time()
        gate.look(pictures[number % 4], 1.5 + number * 0.1)
        took_s.append(time.process_time() - began)
    assert min(took_s) < 0.012


def test_a_grey_copy_that_the_camera_made_serves_as_well_as_our_own() -> None:
    with_own, with_theirs = MotionGate(MotionSettings()), MotionGate(MotionSettings())
    for number in range(12):
        picture = _frame() if number < 11 else _frame(Box(x1=200, y1=200, x2=500, y2=400))
        factor = max(1, round(picture.shape[1] / 320))
        size = (picture.shape[1] // factor, picture.shape[0] // factor)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        luma = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.uint8)
        ours = with_own.look(picture, number * 0.1)
        theirs = with_theirs.look(picture, number * 0.1, luma=luma)
    assert ours.regions
    assert theirs.regions == ours.regions


def test_a_grey_copy_of_another_size_is_of_no_use_and_does_no_harm() -> None:
    gate = MotionGate(MotionSettings())
    for number in range(3):
        look = gate.look(_frame(), number * 0.1, luma=np.zeros((9, 16), np.uint8))
    assert look.grey.shape != (9, 16)
    assert look.regions == ()
