"""The reading coach says what to change, with the numbers it saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.camera.synthetic.bodies import End
from agent.camera.synthetic.platework import plate_texture
from agent.camera.synthetic.registration import Region, registration
from agent.web.blur import blur_effect
from agent.web.coach import BLURRED, Look, advise
from agent.web.looks import MEASURED_WIDTH, plate_blur, speed_px_s

GOOD = Look(plate_width_px=120, confidence=0.97, exposure_s=0.002, gain=2.0, lux=400.0, blur=0.25)


def _topics(look: Look, count: int = 9) -> list[str]:
    return [advice.topic for advice in advise([look] * count)]


def _text(look: Look) -> str:
    return "; ".join(advice.text for advice in advise([look] * 9))


def test_all_is_well_says_so() -> None:
    assert _text(GOOD) == "plates are 120 px wide and read with 97%: nothing to change"


def test_too_few_sightings_are_no_ground_for_advice() -> None:
    assert _topics(replace(GOOD, plate_width_px=20), count=4) == ["waiting"]


def test_narrow_plates_are_to_be_zoomed_in_on() -> None:
    assert "plates are 48 px wide: zoom until 90" in _text(replace(GOOD, plate_width_px=48))


def test_a_long_shutter_of_unknown_speed_is_to_be_two_milliseconds() -> None:
    said = _text(replace(GOOD, exposure_s=0.02))
    assert said == "shutter 20 ms blurs moving plates: set 2 ms or add light"


def test_a_long_shutter_is_fine_where_nothing_moves_fast() -> None:
    assert _topics(replace(GOOD, exposure_s=0.02, speed_px_s=50.0)) == ["fine"]


def test_the_shutter_follows_the_speed_of_the_plates() -> None:
    # 120 px wide: a stroke of 2.4 px passes in 0.8 ms at 3000 px/s
    assert "set 0.5 ms" in _text(replace(GOOD, exposure_s=0.002, speed_px_s=3000.0))


def test_with_much_gain_light_comes_first() -> None:
    said = _text(replace(GOOD, exposure_s=0.02, gain=12.0))
    assert "add light, then set 2 ms" in said
    assert "gain is 12, which makes noise" in said


def test_a_blurred_plate_with_a_short_shutter_is_out_of_focus() -> None:
    said = _text(replace(GOOD, blur=0.6))
    assert "the shutter is short enough: focus" in said


def test_a_camera_that_does_not_tell_its_exposure_is_judged_by_its_pictures() -> None:
    silent = replace(GOOD, exposure_s=None, gain=None, lux=None)
    assert _topics(silent) == ["fine"]
    assert "focus where plates are read" in _text(replace(silent, blur=0.6))


def test_unsure_readings_of_good_pictures_point_to_angle_and_region() -> None:
    assert "AGENT_REGIONS" in _text(replace(GOOD, confidence=0.6))


def test_darkness_is_told() -> None:
    assert _topics(replace(GOOD, lux=2.0)) == ["light"]


def test_one_odd_sighting_does_not_decide() -> None:
    looks = [GOOD] * 9 + [replace(GOOD, plate_width_px=10, exposure_s=0.5)]
    assert [advice.topic for advice in advise(looks)] == ["fine"]


def test_speed_comes_from_first_and_last_reading() -> None:
    readings = [
        {"at": "2026-01-01T12:00:00+00:00", "box": [0, 0, 100, 20]},
        {"at": "2026-01-01T12:00:00.500000+00:00", "box": [30, 40, 100, 20]},
    ]
    assert speed_px_s(readings) == pytest.approx(100.0)
    assert speed_px_s(readings[:1]) is None
    assert speed_px_s([]) is None
    assert speed_px_s([{"at": "never"}]) is None


@pytest.mark.parametrize("width_px", [48, 90, 200])
@pytest.mark.parametrize(("moved_share", "is_blurred"), [(0.0, False), (0.06, True)])
def test_blur_tells_moved_plates_from_sharp_ones_at_any_size(
    width_px: int, moved_share: float, *, is_blurred: bool
) -> None:
    for number in range(6):
        made = registration(seed=3, number=number, regions=(Region.DE, Region.FR, Region.ES))
        plate = plate_texture(made, End.REAR, np.random.default_rng(number))
        if moved_share:
            plate = cv2.blur(plate, (int(moved_share * plate.shape[1]), 1))
        height = round(plate.shape[0] * width_px / plate.shape[1])
        seen = cv2.resize(plate, (width_px, height), interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY)
        size = (MEASURED_WIDTH, round(height * MEASURED_WIDTH / width_px))
        blur = blur_effect(np.asarray(cv2.resize(grey, size), np.uint8))
        assert (blur >= BLURRED) is is_blurred, f"{made.text}: {blur:.2f}"


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff of a picture the rest is lost"])
def test_a_picture_that_is_none_has_no_blur(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "half.jpg").write_bytes(content)
    box = {"lp_box_x": 1, "lp_box_y": 1, "lp_box_w": 90, "lp_box_h": 20}
    row = {"lp_image_filename": "half.jpg", "evidence": '{"frame_size": [640, 480]}', **box}
    assert plate_blur(row, tmp_path) is None
