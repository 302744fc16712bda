"""The truth of a run: who passes when, with which plate, known without a picture."""

from __future__ import annotations

import re
from itertools import islice, pairwise

import pytest

from agent.camera.factory import truth_of
from agent.camera.synthetic.lens import Lens
from agent.camera.synthetic.registration import Region, registration
from agent.camera.synthetic.schedule import is_inside, passages, total_frames, vehicles
from agent.camera.synthetic.settings import SyntheticSettings

SETTINGS = SyntheticSettings(vehicles=60, seed=1)

SYNTAX = {
    Region.DE: r"[A-Z]{3}\d{4}|[A-Z]{4}\d{3}",
    Region.FR: r"[A-Z]{2}\d{3}[A-Z]{2}",
    Region.IT: r"[A-Z]{2}\d{3}[A-Z]{2}",
    Region.PL: r"[A-Z]{2}\d{5}",
    Region.ES: r"\d{4}[BCDFGHJKLMNPRSTVWXYZ]{3}",
    Region.GB: r"[A-Z]{2}\d{2}[A-Z]{3}",
    Region.US: r"\d[A-Z]{3}\d{3}",
    Region.BR: r"[A-Z]{3}\d[A-Z]\d{2}",
}


def test_the_same_address_has_the_same_truth_and_another_seed_another() -> None:
    first = truth_of("synthetic:?vehicles=20&seed=1")
    assert first == truth_of("synthetic:?vehicles=20&seed=1")
    assert len(first) == 20
    other = truth_of("synthetic:?vehicles=20&seed=2")
    assert {p.plate for p in first}.isdisjoint(p.plate for p in other)


def test_an_endless_run_needs_a_limit_and_begins_like_a_finite_one() -> None:
    with pytest.raises(ValueError, match="limit"):
        truth_of("synthetic:?seed=1")
    assert truth_of("synthetic:?seed=1", limit=5) == truth_of("synthetic:?seed=1&vehicles=5")


@pytest.mark.parametrize("region", list(Region))
def test_plates_follow_the_syntax_of_their_register(region: Region) -> None:
    for number in range(200):
        plate = registration(seed=4, number=number, regions=(region,))
        assert re.fullmatch(SYNTAX[region], plate.text)
        assert plate.printed.replace(" ", "").replace("-", "") == plate.text
        assert not set(plate.text) & set("IOQ")


def test_no_text_comes_twice_in_a_run() -> None:
    texts = {registration(seed=9, number=n, regions=tuple(Region)).text for n in range(20_000)}
    assert len(texts) == 20_000


@pytest.mark.parametrize(
    ("width", "height", "fps"), [(1280, 720, 10.0), (640, 480, 10.0), (1920, 1080, 25.0)]
)
def test_every_plate_is_in_the_picture_for_a_good_while(
    width: int, height: int, fps: float
) -> None:
    settings = SyntheticSettings(vehicles=30, seed=5, width=width, height=height, fps=fps)
    for passage in passages(settings):
        frames = passage.last_frame - passage.first_frame + 1
        assert frames >= 0.8 * fps, passage


def test_plates_are_as_wide_as_good_readers_need() -> None:
    lens = Lens(width=1280, height=720)
    for vehicle, passage in zip(vehicles(SETTINGS), passages(SETTINGS), strict=True):
        quads = [
            vehicle.plate_quad(lens, frame / SETTINGS.fps)
            for frame in range(passage.first_frame, passage.last_frame + 1)
        ]
        assert all(is_inside(lens, quad) for quad in quads)
        widths = [float(quad[:, 0].max() - quad[:, 0].min()) for quad in quads]
        assert 70 <= max(widths) <= 180
        assert sum(width >= 70 for width in widths) >= 4


def test_a_run_has_breaks_and_two_vehicles_at_a_time() -> None:
    frames = total_frames(SETTINGS)
    assert frames is not None
    run = list(vehicles(SETTINGS))
    crowd = [sum(v.is_present(n / SETTINGS.fps) for v in run) for n in range(frames)]
    assert crowd[0] == crowd[-1] == 0
    assert max(crowd) == 2
    assert 15 <= frames / len(run) <= 30


def test_vehicles_in_one_lane_never_touch() -> None:
    for lane in (0, 1):
        own = [v for v in vehicles(SETTINGS) if v.lane == lane]
        assert own
        assert all(a.leaves_at_s < b.enters_at_s for a, b in pairwise(own))


def test_direction_is_the_way_the_plate_moves_in_the_picture() -> None:
    lens = Lens(width=1280, height=720)
    for vehicle, passage in zip(vehicles(SETTINGS), passages(SETTINGS), strict=True):
        first, last = (
            vehicle.plate_quad(lens, frame / SETTINGS.fps)[:, 1].mean()
            for frame in (passage.first_frame, passage.last_frame)
        )
        assert passage.direction == ("approaching" if last > first else "receding")


def test_an_endless_schedule_goes_on_without_a_list() -> None:
    endless = vehicles(SyntheticSettings(seed=1))
    later = next(islice(endless, 3000, None))
    assert later.number == 3000
