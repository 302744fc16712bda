"""What the page says of the camera: whether pictures come and are read, in words. Facts in."""

from __future__ import annotations

from typing import Any, Final

from agent.span import spoken

FRESH_S: Final = 10.0
"""A camera works whose newest frame is younger than this."""


def is_fresh(status: dict[str, Any]) -> bool:
    """Whether frames come."""
    age_s = status["frame_age_s"]
    return age_s is not None and age_s < FRESH_S


def view_of(
    status: dict[str, Any], *, is_on: bool, reads: bool, has_picture: bool
) -> dict[str, Any]:
    """`camera` and `reading` with their words and whether all is well, why no picture comes, and
    how old the one is that is shown instead.

    `status` is the agent's, `is_on` and `reads` what an operator wants, `has_picture` whether
    there is one to show.
    """
    camera = _camera(status, is_on=is_on)
    if not reads:
        reading = _said("Not reading", is_well=False)
    elif not camera["is_well"]:
        reading = _said("Nothing to read", is_well=False)
    else:
        reading = _said("Reading plates", is_well=True)
    problem = "" if is_fresh(status) else status["source_error"] or ""
    age_s = status["frame_age_s"]
    is_old = has_picture and age_s is not None and not camera["is_well"]
    return {
        "camera": camera,
        "reading": reading,
        "problem": problem,
        "has_picture": has_picture,
        "old": f"The last picture, {spoken(age_s)} old" if is_old else "",
    }


def _camera(status: dict[str, Any], *, is_on: bool) -> dict[str, Any]:
    if status["source_has_ended"]:
        return _said("The source has ended", is_well=False)
    if not is_on:
        return _said("Camera stopped", is_well=False)
    if is_fresh(status):
        return _said("Camera on", is_well=True)
    return _said(
        "No picture comes" if status["frames_captured"] else "No picture yet", is_well=False
    )


def _said(text: str, *, is_well: bool) -> dict[str, Any]:
    return {"text": text, "is_well": is_well}
