"""From what an operator sets to the controls of a video device, in the device's own ranges. Pure.

Names, numbers and units are those of the kernel's `linux/v4l2-controls.h` and of "The Linux Media
Infrastructure userspace API", Video for Linux, "User Controls" and "Camera Control Reference".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

from agent.camera.controls import CameraControls, Offer

_USER: Final = 0x0098_0900
_CAMERA: Final = 0x009A_0900
EXPOSURE_STEP_S: Final = 0.0001
"""The unit of `EXPOSURE_ABSOLUTE`."""
WIDEST_GAIN: Final = 64.0
LEAST_GAIN: Final = 1.0
COLOUR_TEMPERATURES_K: Final = {1: 2750, 2: 3250, 3: 4350, 4: 4000, 5: 6000, 6: 7800}
"""Of libcamera's white balance modes (incandescent, tungsten, fluorescent, indoor, daylight,
cloudy): the middle of what Raspberry Pi's tuning files give each (`imx477.json`, "rpi.awb")."""


class Id(IntEnum):
    """`V4L2_CID_` and the name."""

    BRIGHTNESS = _USER + 0
    CONTRAST = _USER + 1
    SATURATION = _USER + 2
    AUTO_WHITE_BALANCE = _USER + 12
    AUTOGAIN = _USER + 18
    GAIN = _USER + 19
    WHITE_BALANCE_TEMPERATURE = _USER + 26
    SHARPNESS = _USER + 27
    EXPOSURE_AUTO = _CAMERA + 1
    EXPOSURE_ABSOLUTE = _CAMERA + 2
    FOCUS_ABSOLUTE = _CAMERA + 10
    FOCUS_AUTO = _CAMERA + 12


class Exposure(IntEnum):
    """`V4L2_EXPOSURE_` and the name: what is manual is the shutter in the first two."""

    MANUAL = 1
    SHUTTER_PRIORITY = 2
    APERTURE_PRIORITY = 3
    AUTO = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the driver says of one; `items` are those of a menu."""

    least: int
    most: int
    step: int
    default: int
    items: frozenset[int] = frozenset()


Controls = Mapping[Id, Control]
Setting = tuple[Id, int]

_NEEDED: Final = {
    "brightness": Id.BRIGHTNESS,
    "contrast": Id.CONTRAST,
    "saturation": Id.SATURATION,
    "sharpness": Id.SHARPNESS,
    "awb_mode": Id.WHITE_BALANCE_TEMPERATURE,
    "focus": Id.FOCUS_ABSOLUTE,
    "exposure_s": Id.EXPOSURE_ABSOLUTE,
    "gain": Id.GAIN,
}
_LOOKS: Final = {
    "brightness": (-1.0, 0.0, 1.0),
    "contrast": (0.0, 1.0, 2.0),
    "saturation": (0.0, 1.0, 2.0),
    "sharpness": (0.0, 1.0, 4.0),
}
"""Fields whose middle value is the device's default: least, middle, most."""


def offer_of(controls: Controls) -> Offer:
    """What a device with these controls takes."""
    taken = frozenset(name for name, needed in _NEEDED.items() if needed in controls)
    limits = {}
    if (shutter := controls.get(Id.EXPOSURE_ABSOLUTE)) is not None:
        limits["exposure_s"] = (
            max(1, shutter.least) * EXPOSURE_STEP_S,
            shutter.most * EXPOSURE_STEP_S,
        )
    return Offer(fields=taken, limits=limits)


def settings_for(
    wanted: CameraControls, before: CameraControls, controls: Controls
) -> tuple[Setting, ...]:
    """What to set, in this order: a device refuses a value while it chooses that by itself.

    What was set `before` and is left to the camera now goes back to automatic or the default; what
    never was set stays as it is, for another tool may have set it.
    """
    found: list[Setting] = []
    for one in fields(CameraControls):
        value, former = getattr(wanted, one.name), getattr(before, one.name)
        if _NEEDED[one.name] not in controls:
            continue
        if value is not None:
            found += _manual(one.name, value, controls)
        elif former is not None:
            found += _automatic(one.name, controls)
    return tuple(found)


def _manual(name: str, value: float, controls: Controls) -> Iterator[Setting]:
    control_id = _NEEDED[name]
    control = controls[control_id]
    if name in _LOOKS:
        yield control_id, _about_default(control, value, *_LOOKS[name])
    elif name == "awb_mode":
        temperature_k = COLOUR_TEMPERATURES_K.get(int(value))
        if temperature_k is None:
            yield from _automatic(name, controls)
        else:
            yield from _switched(Id.AUTO_WHITE_BALANCE, 0, controls)
            yield control_id, _within(control, temperature_k)
    elif name == "focus":
        yield from _switched(Id.FOCUS_AUTO, 0, controls)
        yield control_id, _spread(control, value, 0.0, 1.0)
    elif name == "exposure_s":
        yield from _exposure_mode(controls, (Exposure.MANUAL, Exposure.SHUTTER_PRIORITY))
        yield control_id, _within(control, value / EXPOSURE_STEP_S)
    else:
        yield from _switched(Id.AUTOGAIN, 0, controls)
        yield control_id, _spread(control, value, LEAST_GAIN, WIDEST_GAIN)


def _automatic(name: str, controls: Controls) -> Iterator[Setting]:
    control_id = _NEEDED[name]
    switches = {
        "awb_mode": Id.AUTO_WHITE_BALANCE,
        "focus": Id.FOCUS_AUTO,
        "gain": Id.AUTOGAIN,
        "exposure_s": Id.EXPOSURE_AUTO,
    }
    switch = switches.get(name)
    if switch is None or switch not in controls:
        yield control_id, controls[control_id].default
    elif name == "exposure_s":
        yield from _exposure_mode(controls, (Exposure.APERTURE_PRIORITY, Exposure.AUTO))
    else:
        yield switch, 1


def _switched(switch: Id, value: int, controls: Controls) -> Iterator[Setting]:
    if switch in controls:
        yield switch, value


def _exposure_mode(controls: Controls, wanted: tuple[Exposure, ...]) -> Iterator[Setting]:
    """The first of those that the device's menu has."""
    menu = controls.get(Id.EXPOSURE_AUTO)
    mode = next((one for one in wanted if menu is not None and one in menu.items), None)
    if mode is not None:
        yield Id.EXPOSURE_AUTO, mode


def _about_default(control: Control, value: float, least: float, middle: float, most: float) -> int:
    if value < middle:
        share = (value - least) / (middle - least)
        return _within(control, control.least + share * (control.default - control.least))
    share = (value - middle) / (most - middle)
    return _within(control, control.default + share * (control.most - control.default))


def _spread(control: Control, value: float, least: float, most: float) -> int:
    share = (value - least) / (most - least)
    return _within(control, control.least + share * (control.most - control.least))


def _within(control: Control, value: float) -> int:
    """The nearest value that the device has."""
    steps = round((min(max(value, control.least), control.most) - control.least) / control.step)
    found = control.least + steps * control.step
    return found if found <= control.most else found - control.step
