"""What the page says of the camera."""

from __future__ import annotations

from typing import Any

import pytest

from agent.web.view import view_of

COMES: dict[str, Any] = {
    "frame_age_s": 0.2,
    "frames_captured": 9,
    "source_has_ended": False,
    "source_error": "was unplugged",
}

OLD = {
    "Camera stopped": "The last picture, 0 s old",
    "No picture comes": "The last picture, 11 s old",
    "The source has ended": "The last picture, 0 s old",
}


@pytest.mark.parametrize(
    ("changes", "is_on", "camera", "reading", "problem"),
    [
        ({}, True, "Camera on", "Reading plates", ""),
        ({}, False, "Camera stopped", "Nothing to read", ""),
        ({"frame_age_s": 11.0}, True, "No picture comes", "Nothing to read", "was unplugged"),
        (
            {"frame_age_s": None, "frames_captured": 0},
            True,
            *("No picture yet", "Nothing to read", "was unplugged"),
        ),
        ({"source_has_ended": True}, True, "The source has ended", "Nothing to read", ""),
    ],
)
def test_only_a_camera_whose_pictures_come_is_on(
    changes: dict[str, Any], is_on: bool, camera: str, reading: str, problem: str
) -> None:
    view = view_of({**COMES, **changes}, is_on=is_on, reads=True, has_picture=True)
    assert (view["camera"]["text"], view["reading"]["text"]) == (camera, reading)
    assert view["problem"] == problem
    assert view["old"] == OLD.get(camera, "")
    is_well = camera == "Camera on"
    assert view["camera"]["is_well"] is view["reading"]["is_well"] is is_well


def test_a_reading_that_was_stopped_is_not_said_to_have_nothing_to_read() -> None:
    view = view_of(COMES, is_on=True, reads=False, has_picture=True)
    assert view["reading"] == {"text": "Not reading", "is_well": False}
    assert view["camera"]["is_well"]
