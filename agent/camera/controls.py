"""What an operator can set on a camera, and the driver's words for it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

MANUAL_FOCUS: Final = 0
CONTINUOUS_FOCUS: Final = 2
NEAREST_DIOPTRES: Final = 10.0
"""`LensPosition` is in dioptres: 0 is infinity, 10 is 10 cm (Raspberry Pi, "The Picamera2 Library",
appendix C: camera controls, which names every key and enumeration used here)."""
EVERY_CONTROL: Final = frozenset(
    (
        *("brightness", "contrast", "saturation", "sharpness"),
        *("awb_mode", "focus", "exposure_s", "gain"),
    )
)
"""The fields of `CameraControls`."""
CUSTOM_WHITE = 7
"""The last white balance mode; older pages offer one more, which is automatic too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraControls:
    """None leaves it to the camera. Ranges are those of the older system's page.

    `brightness` -1..1, `contrast` and `saturation` 0..2, `sharpness` 0..4, `awb_mode` 0..8,
    `focus` 0 (infinity) to 1 (as near as it gets), `exposure_s` in seconds, `gain` from 1.
    """

    brightness: float | None = None
    contrast: float | None = None
    saturation: float | None = None
    sharpness: float | None = None
    awb_mode: int | None = None
    focus: float | None = None
    exposure_s: float | None = None
    gain: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a camera takes from here: `fields` by name, and `limits` (least and most, both included,
    in the field's unit) where they are narrower than the field's own."""

    fields: frozenset[str] = frozenset()
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@runtime_checkable
class ControlledSource(Protocol):
    """A frame source that takes controls."""

    @property
    def offer(self) -> Offer | None:
        """By the fields of `CameraControls`; None until it was opened. From any thread."""

    def control(self, controls: CameraControls) -> None:
        """In force from one of the next frames on; what the camera cannot do is left out."""


def libcamera_offer(offered: Collection[str]) -> Offer:
    """The fields that a camera with these of libcamera's controls takes."""
    by_name = {
        "Brightness": "brightness",
        "Contrast": "contrast",
        "Saturation": "saturation",
        "Sharpness": "sharpness",
        "AwbMode": "awb_mode",
        "LensPosition": "focus",
        "ExposureTime": "exposure_s",
        "AnalogueGain": "gain",
    }
    return Offer(fields=frozenset(by_name[name] for name in by_name.keys() & set(offered)))


def libcamera_controls(controls: CameraControls, *, offered: Collection[str]) -> dict[str, Any]:
    """By libcamera's names, and only those that this camera offers (one of fixed focus has no
    `AfMode`). What is left to the camera is set back to automatic."""
    awb_mode = controls.awb_mode or 0
    said: dict[str, Any] = {
        "Brightness": controls.brightness or 0.0,
        "Contrast": 1.0 if controls.contrast is None else controls.contrast,
        "Saturation": 1.0 if controls.saturation is None else controls.saturation,
        "Sharpness": 1.0 if controls.sharpness is None else controls.sharpness,
        "AwbEnable": True,
        "AwbMode": awb_mode if awb_mode <= CUSTOM_WHITE else 0,
        "ExposureTime": round((controls.exposure_s or 0.0) * 1_000_000),
        "AnalogueGain": controls.gain or 0.0,
        **_focus(controls.focus),
    }
    return {name: value for name, value in said.items() if name in offered}


def _focus(focus: float | None) -> dict[str, Any]:
    if focus is None:
        return {"AfMode": CONTINUOUS_FOCUS}
    return {"AfMode": MANUAL_FOCUS, "LensPosition": focus * NEAREST_DIOPTRES}
