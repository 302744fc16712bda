"""What is drawn: the same for the same seed, and what the truth says."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import cv2
import numpy as np
import pytest

from agent.camera.factory import open_source
from agent.camera.frame import Frame
from agent.camera.synthetic.fixtures import parked_car
from agent.camera.synthetic.lens import Floats, Lens
from agent.camera.synthetic.platework import plate_texture
from agent.camera.synthetic.renderer import Renderer, darkness
from agent.camera.synthetic.schedule import Vehicle, passage, vehicles
from agent.camera.synthetic.settings import Daylight, Fixture, SyntheticSettings
from vision.reading import Picture

SMALL = "synthetic:?vehicles=2&seed=7&width=320&height=180"


def _run(address: str) -> list[Frame]:
    frames = []
    with open_source(address) as source:
        while (frame := source.read(5.0)) is not None:
            frames.append(frame)
    return frames


def _digest(frames: list[Frame]) -> str:
    return hashlib.sha256(b"".join(frame.picture.tobytes() for frame in frames)).hexdigest()


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others() -> None:
    first = _digest(_run(SMALL))
    assert first == _digest(_run(SMALL))
    assert first != _digest(_run(SMALL.replace("seed=7", "seed=8")))


def _upright(picture: Picture, quad: Floats, texture: Picture) -> Picture:
    height, width = texture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), corners)
    return np.asarray(cv2.warpPerspective(picture, matrix, (width, height)), dtype=np.uint8)


def _likeness(a: Picture, b: Picture) -> float:
    """Correlation of two pictures in grey, -1..1."""
    size = (104, 22)
    grey = [cv2.resize(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY), size).ravel() for p in (a, b)]
    return float(np.corrcoef(grey[0].astype(float), grey[1].astype(float))[0, 1])


def _texture(vehicle: Vehicle) -> Picture:
    return plate_texture(vehicle.registration, vehicle.end, np.random.default_rng(0))


@pytest.mark.parametrize("night", [Daylight.DAY, Daylight.NIGHT])
def test_each_vehicle_of_the_truth_carries_its_plate_where_the_truth_says(night: Daylight) -> None:
    settings = SyntheticSettings(vehicles=4, seed=2, night=night)
    renderer = Renderer(settings)
    lens = Lens(width=settings.width, height=settings.height)
    run = list(vehicles(settings))
    for vehicle, other in zip(run, run[1:] + run[:1], strict=True):
        truth = passage(vehicle, settings)
        for frame in (truth.first_frame, truth.last_frame):
            at_s = frame / settings.fps
            picture = renderer.render(frame, [v for v in run if v.is_present(at_s)])
            seen = _upright(picture, vehicle.plate_quad(lens, at_s), _texture(vehicle))
            own = _likeness(seen, _texture(vehicle))
            assert own > 0.6, truth
            assert own > _likeness(seen, _texture(other)) + 0.1, truth


def test_an_empty_road_shows_only_noise_and_a_vehicle_more() -> None:
    settings = SyntheticSettings(vehicles=1, seed=2, night=Daylight.DAY)
    renderer = Renderer(settings)
    (vehicle,) = vehicles(settings)
    empty, again = renderer.render(0, []).astype(int), renderer.render(1, []).astype(int)
    assert np.abs(empty - again).mean() < 5
    number = passage(vehicle, settings).first_frame + 3
    crossed = renderer.render(number, [vehicle]).astype(int)
    assert (np.abs(empty - crossed).max(axis=2) > 40).mean() > 0.03


def test_day_and_night_take_turns_with_a_dusk_between() -> None:
    levels = [darkness(Daylight.MIX, at_s / 10) for at_s in range(800)]
    assert (levels[0], levels[300], levels[450], levels[700]) == (0.0, 1.0, 0.0, 1.0)
    assert max(abs(a - b) for a, b in pairwise(levels)) < 0.1
    assert darkness(Daylight.DAY, 30.0) == 0.0
    assert darkness(Daylight.NIGHT, 0.0) == 1.0


def test_the_sensor_says_how_dark_it_was() -> None:
    day, night = (
        _run(f"{SMALL}&night={value}")[0] for value in (Daylight.DAY.value, Daylight.NIGHT.value)
    )
    assert day.picture.mean() > 3 * night.picture.mean()
    assert (day.sensor.lux or 0) > 1000 > 100 > (night.sensor.lux or 0) > 0
    assert (day.sensor.analog_gain or 0) < (night.sensor.analog_gain or 0)
    assert (day.sensor.exposure_time_s or 0) < (night.sensor.exposure_time_s or 0) < 0.1


def test_an_overlay_changes_every_second_and_only_where_it_is() -> None:
    plain, written = (
        Renderer(SyntheticSettings(seed=2, night=Daylight.DAY, scenery=scenery))
        for scenery in ((), (Fixture.OVERLAY,))
    )
    shown = [
        np.abs(written.render(n, []).astype(int) - plain.render(n, [])).max(axis=2) > 60
        for n in (10, 19, 20)
    ]
    assert 0.001 < shown[0].mean() < 0.02
    last_digit = (slice(10, 40), slice(560, 582))
    within, across = shown[0] != shown[1], shown[1] != shown[2]
    assert across[last_digit].mean() > 0.1
    assert max(within[last_digit].mean(), within.mean(), across.mean()) < 0.03


def test_a_parked_car_shows_its_plate_in_every_light() -> None:
    settings = SyntheticSettings(seed=2, night=Daylight.DAY, scenery=(Fixture.PARKED,))
    car = parked_car(Lens(width=settings.width, height=settings.height))
    picture = Renderer(settings).render(3, [])
    quad = car.plate_quad(Lens(width=settings.width, height=settings.height), 0.3)
    assert _likeness(_upright(picture, quad, _texture(car)), _texture(car)) > 0.6
    assert (car.plate_quad(Lens(width=1280, height=720), 3000.0) == quad).all()
