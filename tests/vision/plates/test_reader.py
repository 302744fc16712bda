"""The whole reader, with its real models, on plates that the tests draw."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.vision.plates.rendered import scene
from vision.geometry import Box
from vision.plates.formats import UnknownRegion
from vision.plates.reader import EmbeddedPlateReader, part_side, still_sides

Readers = Callable[..., EmbeddedPlateReader]


@pytest.mark.parametrize(
    ("printed", "left", "width", "tilt_deg", "region_format"),
    [
        ("RK 755AJ", 200, 120, 8, "sk:LL*DDDLL"),
        ("4B2 1875", 60, 140, -6, "cz:NLD*DDDD"),
        ("AB12 CDE", 300, 200, 0, "gb:LLDD*LLL"),
        ("1234 BCD", 420, 90, 3, "es:DDDD*LLL"),
        ("WA 56660", 250, 110, 15, "pl:LL*DDDDD"),
    ],
)
def test_drawn_plate_is_read(
    plate_reader: Readers,
    printed: str,
    left: int,
    width: int,
    tilt_deg: float,
    region_format: str,
) -> None:
    picture = scene((printed, left, 220, width), tilt_deg=tilt_deg)
    (found,) = plate_reader("eu").read(picture).plates
    assert found.text == printed.replace(" ", "")
    assert found.region == "eu"
    assert found.region_format == region_format
    assert found.confidence > 0.5
    assert "".join(character.text for character in found.characters) == found.text
    drawn = Box.from_xywh(left, 220, width, width * 110 / 520)
    assert drawn.grown(20, 30).intersection(found.box) == pytest.approx(found.box.area)
    assert found.box.iou(drawn) > 0.3


def test_region_stays_open_where_several_fit_alike(plate_reader: Readers) -> None:
    (found,) = plate_reader().read(scene(("ABC 1234", 200, 220, 150))).plates
    assert found.text == "ABC1234"
    assert found.region is None


def test_every_plate_of_a_picture_is_given(plate_reader: Readers) -> None:
    picture = scene(("RK 755AJ", 40, 100, 140), ("WA 56660", 380, 330, 200))
    found = plate_reader("eu").read(picture).plates
    assert [plate.text for plate in found] == ["WA56660", "RK755AJ"]


def test_a_small_plate_beside_a_large_one_is_found_where_everything_is_to_be_hidden(
    plate_reader: Readers,
) -> None:
    large, small = ("RK 755AJ", 400, 600, 300), ("WA 56660", 1300, 120, 60)
    picture = scene(large, small, size=(1920, 1080))
    at = Box.from_xywh(1300, 120, 60, 13)
    hiding = EmbeddedPlateReader(threads=2, is_thorough=True)
    assert [plate.text for plate in plate_reader().read(picture).plates] == ["RK755AJ"]
    found = hiding.read(picture).plates
    assert any(plate.box.intersection(at) > 0.8 * at.area for plate in found)


def test_picture_without_plate_gives_none(plate_reader: Readers) -> None:
    readings = plate_reader().read(scene())
    assert readings.plates == ()
    assert readings.stage_ms["detect"] > 0


def test_other_text_is_refused_with_its_reason(plate_reader: Readers) -> None:
    drawn = [
        ("CITROEN", 60, 80),
        ("2014-05-13", 380, 80),
        ("NORTH", 60, 320),
        ("EXIT 79", 380, 320),
    ]
    readings = plate_reader().read(scene(*((*each, 150) for each in drawn)))
    assert readings.plates == ()
    reasons = {refused.raw_text: refused.reason for refused in readings.refused}
    wrong = dict.fromkeys(("CITROEN", "2014-05-13", "NORTH"), "format")
    assert reasons == {**wrong, "EXIT 79": "everyday"}


def test_part_of_a_picture_is_read_in_the_whole_pictures_pixels(plate_reader: Readers) -> None:
    picture = scene(("RK 755AJ", 900, 600, 110), ("WA 56660", 200, 200, 120), size=(1920, 1080))
    within = Box(x1=760, y1=480, x2=1160, y2=780)
    (found,) = plate_reader("eu").read(picture, within=within).plates
    assert found.text == "RK755AJ"
    assert found.box.iou(Box.from_xywh(900, 600, 110, 23)) > 0.4


def test_part_beyond_the_edge_and_empty_part(plate_reader: Readers) -> None:
    picture = scene(("RK 755AJ", 40, 200, 140))
    within = Box(x1=-200, y1=100, x2=300, y2=900)
    assert [p.text for p in plate_reader("eu").read(picture, within=within).plates] == ["RK755AJ"]
    outside = Box(x1=900, y1=900, x2=1000, y2=1000)
    assert plate_reader("eu").read(picture, within=outside).plates == ()


def test_plate_cut_by_the_edge_is_not_completed(plate_reader: Readers) -> None:
    readings = plate_reader("eu").read(scene(("RK 755AJ", -60, 200, 160)))
    assert readings.plates == ()
    assert readings.refused


def test_small_pictures_are_looked_at(plate_reader: Readers) -> None:
    assert plate_reader().read(np.zeros((2, 2, 3), dtype=np.uint8)).plates == ()
    assert plate_reader().read(np.zeros((3, 900, 3), dtype=np.uint8)).plates == ()


def test_unknown_region_is_refused_at_the_start() -> None:
    with pytest.raises(UnknownRegion, match="narnia"):
        EmbeddedPlateReader(regions=("narnia",))


@pytest.mark.parametrize(
    ("size", "side"), [((100, 80), 320), ((400, 300), 400), ((300, 450), 450), ((1900, 900), 480)]
)
def test_input_of_a_part_keeps_plates_wide_and_cost_bounded(
    size: tuple[int, int], side: int
) -> None:
    assert part_side(Box.from_xywh(0, 0, *size)) == side


def test_sides_of_a_still_picture_grow_as_far_as_its_pixels_go() -> None:
    assert still_sides(Box.from_xywh(0, 0, 1920, 1080)) == (480, 960, 1280)
    assert still_sides(Box.from_xywh(0, 0, 450, 320)) == (480, 960, 1280)
    assert still_sides(Box.from_xywh(0, 0, 300, 200)) == (480, 960)
    assert still_sides(Box.from_xywh(0, 0, 120, 60)) == (480,)
