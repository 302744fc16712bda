"""The truth of a run: who passes when, with which plate, known without a picture."""

from __future__ import annotations

import re
from itertools import islice, pairwise

import pytest

from agent.camera.factory import truth_of
from agent.camera.synthetic.lens import Lens
from agent.camera.synthetic.registration import Region, registration
from agent.camera.synthetic.schedule import is_inside, passages, total_frames, vehicles
from agent.camera.synthetic.settings import SyntheticSettings, Traffic

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
    Region.TH: r"[1-9]?[ก-ฮ]{2}\d{3,4}",
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


def test_an_empty_road_lasts_as_long_as_it_was_told() -> None:
    address = "synthetic:?vehicles=0&seconds=90"
    assert truth_of(address) == ()
    assert total_frames(SyntheticSettings(vehicles=0, seconds=90)) == 901


def test_a_run_of_some_seconds_counts_what_has_passed_by_then() -> None:
    whole = truth_of("synthetic:?seed=3&vehicles=20")
    cut = truth_of("synthetic:?seed=3&seconds=20")
    assert cut == whole[: len(cut)]
    assert 0 < len(cut) < 20


def test_pairs_approach_side_by_side_and_never_touch() -> None:
    run = list(vehicles(SyntheticSettings(vehicles=20, seed=1, traffic=Traffic.PAIRS)))
    for left, right in zip(run[::2], run[1::2], strict=True):
        assert abs(left.enters_at_s - right.enters_at_s) <= 0.1
        assert left.speed_mps == right.speed_mps
        middle = (left.enters_at_s + left.leaves_at_s) / 2
        here, there = (v.place(v.plate_corners, middle)[:, 0].mean() for v in (left, right))
        gap = there - here - (left.body.width_m + right.body.width_m) / 2
        assert 0.1 < gap < 1.2
    assert {p.direction for p in truth_of("synthetic:?seed=1&vehicles=8&traffic=pairs")} == {
        "approaching"
    }


def test_a_vehicle_that_halts_stands_still_with_its_plate_in_the_picture() -> None:
    settings = SyntheticSettings(vehicles=6, seed=1, traffic=Traffic.HALTS, halt=20.0)
    lens = Lens(width=settings.width, height=settings.height)
    for vehicle, truth in zip(vehicles(settings), passages(settings), strict=True):
        stops_at_s = vehicle.enters_at_s + vehicle.halts_after_s
        stood = [vehicle.plate_quad(lens, stops_at_s + s) for s in (0.01, 10.0, 19.99)]
        assert all((quad == stood[0]).all() and is_inside(lens, quad) for quad in stood)
        gone = vehicle.plate_quad(lens, stops_at_s + 20.2)
        assert abs(gone - stood[0]).max() > 10
        assert truth.last_frame - truth.first_frame >= 200


def test_a_vehicle_that_returns_comes_the_other_way_with_its_plate() -> None:
    truth = truth_of("synthetic:?seed=1&vehicles=8&traffic=returns&away=40")
    for there, back in zip(truth[::2], truth[1::2], strict=True):
        assert there.plate == back.plate
        assert (there.direction, back.direction) == ("approaching", "receding")
        assert 400 <= back.first_frame - there.last_frame <= 430
    assert len({passage.plate for passage in truth}) == 4
