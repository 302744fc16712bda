"""What an operator changes while the agent runs: camera, thresholds, zones, line. Values only.

Places are shares of the picture's width and height, 0..1 from its upper left corner, so that they
stay where they are when the camera gives another size.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.errors import TuningInvalid
from guarding.faults import fault_in_words

MOST_ZONES: Final = 8
SMALLEST_ZONE: Final = 0.0005
"""Of the picture's area: less is a slip of the hand."""
SHORTEST_LINE: Final = 0.02

Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CameraTuning(_Part):
    """None: as the camera chooses by itself. The first six have the older system's ranges.

    `awb_mode` is libcamera's number (0 automatic). `focus` runs from 0 (far) to 1 (nearest).
    """

    brightness: float | None = Field(default=None, ge=-1, le=1, description="-1 dark to 1 bright")
    contrast: float | None = Field(
        default=None, ge=0, le=2, description="0 none to 2 strong, 1 as it is"
    )
    saturation: float | None = Field(
        default=None, ge=0, le=2, description="0 grey to 2 strong, 1 as it is"
    )
    sharpness: float | None = Field(
        default=None, ge=0, le=4, description="0 none to 4 strong, 1 as it is"
    )
    awb_mode: int | None = Field(default=None, ge=0, le=8, description="white balance, 0 automatic")
    focus: float | None = Field(
        default=None, ge=0, le=1, description="0 far to 1 nearest; empty: by itself"
    )
    exposure_ms: float | None = Field(
        default=None, ge=0.05, le=1000, description="shutter in milliseconds; empty: automatic"
    )
    gain: float | None = Field(
        default=None, ge=1, le=64, description="sensor's amplification; empty: automatic"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraOffer:
    """What the camera takes from here: `fields` of `CameraTuning`, and `limits` (least and most,
    both included) where they are narrower than the field's own."""

    fields: frozenset[str] = frozenset()
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class Zone(_Part):
    """A polygon in which sightings count."""

    name: str = Field(min_length=1, max_length=40)
    points: tuple[Point, ...] = Field(min_length=3, max_length=12)

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        if abs(_area(self.points)) < SMALLEST_ZONE:
            raise ValueError("the zone is too small: draw it around the lane")
        return self


class Line(_Part):
    """What crosses it from its left to its right, seen from `start` to `end`, approaches."""

    start: Point
    end: Point

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        (x1, y1), (x2, y2) = self.start, self.end
        if (x2 - x1) ** 2 + (y2 - y1) ** 2 < SHORTEST_LINE**2:
            raise ValueError("the line is too short: draw it across the lane")
        return self


class Tuning(_Part):
    """Everything. None, and no zone and no line: as the environment says, or no limit."""

    camera: CameraTuning = CameraTuning()
    min_confidence: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="sightings whose least certain character is below are dropped",
    )
    cooldown_s: float | None = Field(
        default=None, ge=0, le=86400, description="seconds within which a plate is the same passage"
    )
    zones: tuple[Zone, ...] = Field(default=(), max_length=MOST_ZONES)
    line: Line | None = None


_PARTS: Final[Mapping[int | str, type[_Part]]] = {
    "camera": CameraTuning,
    "zones": Zone,
    "line": Line,
}


def parsed_tuning(values: Any) -> Tuning:
    """Raises TuningInvalid naming every wrong field with its value and what was expected."""
    try:
        return Tuning.model_validate(values)
    except ValidationError as error:
        raise TuningInvalid(_complaints(error)) from None


def changed(tuning: Tuning, patch: Any) -> Tuning:
    """`tuning` with the keys of `patch`, those of `camera` one by one. Raises TuningInvalid."""
    if not isinstance(patch, dict):
        raise TuningInvalid('settings: expected an object such as {"cooldown_s": 30}')
    values = tuning.model_dump()
    camera = patch.get("camera")
    if isinstance(camera, dict):
        patch = {**patch, "camera": {**values["camera"], **camera}}
    return parsed_tuning({**values, **patch})


def newly_set(before: Tuning, after: Tuning) -> dict[str, float]:
    """The fields of the camera that have another value afterwards, not those that were emptied."""
    return {
        name: value
        for name, value in after.camera.model_dump(exclude_none=True).items()
        if value != getattr(before.camera, name)
    }


def without_effect(values: Collection[str], offer: CameraOffer) -> tuple[str, ...]:
    """Those of these fields of the camera that this camera does not take."""
    return tuple(sorted(set(values) - offer.fields))


def refuse_unsettable(values: dict[str, float], offer: CameraOffer) -> None:
    """As `refuse_beyond`, and for every field that this camera does not take."""
    in_vain = without_effect(values, offer)
    if in_vain:
        named = ", ".join(f"camera.{name}" for name in in_vain)
        raise TuningInvalid(
            f"{named}: this camera does not take that from here: leave it empty, and set it on the "
            "camera itself where it has it"
        )
    refuse_beyond(values, offer)


def refuse_beyond(values: dict[str, float], offer: CameraOffer) -> None:
    """Raises TuningInvalid naming every value that this camera cannot have, and what it can."""
    found = [
        f"camera.{name} {values[name]:g}: this camera takes {least:g} to {most:g}"
        for name, (least, most) in sorted(offer.limits.items())
        if name in values and not least <= values[name] <= most
    ]
    if found:
        raise TuningInvalid("; ".join(found))


def _complaints(error: ValidationError) -> str:
    """One sentence for each wrong field."""
    found = []
    for fault in error.errors():
        text = fault_in_words(fault, fault["loc"] or ("settings",))
        if fault["type"] == "extra_forbidden":
            part = _PARTS.get(fault["loc"][0], Tuning)
            text += f"; there are {', '.join(part.model_fields)}"
        found.append(text)
    return "; ".join(found)


def _area(points: tuple[Point, ...]) -> float:
    """The shoelace formula; negative where the points run clockwise (y runs down)."""
    ring = (*points, points[0])
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring)) / 2
