"""The reading coach: from what recent sightings were like to what to change, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

from agent.percent import percent

ENOUGH: Final = 5
"""Sightings that advice is built on at least."""
NARROW_PX: Final = 80
GOOD_PX: Final = 90
"""Below the first the detector misses plates and the reader errs; docs/measurements.md."""
STROKE_SHARE: Final = 0.02
"""Of a plate's width: about one stroke of a character. Motion of less during the exposure is
not seen."""
LONG_EXPOSURE_S: Final = 0.005
SHORT_EXPOSURE_S: Final = 0.002
"""Where the speed is not known: 60 km/h at 10 m blurs plates at the first, hardly at the second."""
HIGH_GAIN: Final = 8.0
DARK_LUX: Final = 10.0
BLURRED: Final = 0.45
"""By `blur.blur_effect` on plates brought to 160 pixels of width. 103 photographed plates of 64
pixels and more gave 0.20 to 0.41 (5th to 95th percentile), moved by a sixteenth of their width 0.44
to 0.62."""
UNSURE: Final = 0.75
EXPOSURES_MS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)


class Level(StrEnum):
    """How much it matters."""

    GOOD = "good"
    HINT = "hint"
    CHANGE = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one sighting was like; None where the camera does not say.

    `speed_px_s` is how fast the plate moved in the frame, `blur` 0 (sharp) to 1.
    """

    plate_width_px: float
    confidence: float
    exposure_s: float | None = None
    gain: float | None = None
    lux: float | None = None
    speed_px_s: float | None = None
    blur: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One sentence; `topic` is a stable word for programs."""

    topic: str
    level: Level
    text: str


def advise(looks: Sequence[Look]) -> tuple[Advice, ...]:
    """What to change, the most important first; one sentence of praise where there is nothing."""
    if len(looks) < ENOUGH:
        more = ENOUGH - len(looks)
        plural = "s are" if more > 1 else " is"
        text = f"{more} more sighting{plural} needed before there is anything to advise"
        return (Advice(topic="waiting", level=Level.HINT, text=text),)
    width_px = median(look.plate_width_px for look in looks)
    confidence = median(look.confidence for look in looks)
    found = [*_width(width_px), *_sharpness(looks, width_px), *_light(looks)]
    if confidence < UNSURE and not found:
        text = (
            f"confidence is {percent(confidence)} although plates are wide and sharp: turn the "
            "camera so that it looks less from the side, and set AGENT_REGIONS to the plates that "
            "pass"
        )
        found.append(Advice(topic="confidence", level=Level.CHANGE, text=text))
    if found:
        return tuple(found)
    text = (
        f"plates are {width_px:.0f} px wide and read with {percent(confidence)}: nothing to change"
    )
    return (Advice(topic="fine", level=Level.GOOD, text=text),)


def _width(width_px: float) -> list[Advice]:
    if width_px >= NARROW_PX:
        return []
    text = f"plates are {width_px:.0f} px wide: zoom until {GOOD_PX}, or bring the camera closer"
    return [Advice(topic="width", level=Level.CHANGE, text=text)]


def _sharpness(looks: Sequence[Look], width_px: float) -> list[Advice]:
    """By the exposure where the camera tells it, else by the look of the plates."""
    exposure_s = _median([look.exposure_s for look in looks])
    blur = _median([look.blur for look in looks])
    wanted_s = _wanted_exposure_s(looks, width_px)
    if exposure_s is not None and exposure_s > wanted_s:
        gain = _median([look.gain for look in looks]) or 0.0
        wanted = f"{1000 * wanted_s:g} ms"
        what = (
            f"add light, then set {wanted}" if gain >= HIGH_GAIN else f"set {wanted} or add light"
        )
        text = f"shutter {1000 * exposure_s:.3g} ms blurs moving plates: {what}"
        return [Advice(topic="exposure", level=Level.CHANGE, text=text)]
    if blur is None or blur < BLURRED:
        return []
    if exposure_s is None:
        text = (
            f"plates are blurred ({blur:.2f}, sharp is below {BLURRED}): focus where plates are "
            "read, clean the lens; if only moving ones are, set a shorter shutter or add light"
        )
    else:
        text = (
            f"plates are blurred ({blur:.2f}, sharp is below {BLURRED}) and the shutter is short "
            "enough: focus where plates are read, and clean the lens"
        )
    return [Advice(topic="focus", level=Level.CHANGE, text=text)]


def _wanted_exposure_s(looks: Sequence[Look], width_px: float) -> float:
    """The longest exposure during which a plate moves by no more than a stroke."""
    speed = _median([look.speed_px_s for look in looks])
    exposure_s = _median([look.exposure_s for look in looks])
    if speed is None or speed <= 0:
        is_long = exposure_s is not None and exposure_s > LONG_EXPOSURE_S
        return SHORT_EXPOSURE_S if is_long else LONG_EXPOSURE_S
    longest_ms = 1000 * STROKE_SHARE * width_px / speed
    if exposure_s is not None and 1000 * exposure_s <= longest_ms:
        return exposure_s
    fitting = [step for step in EXPOSURES_MS if step <= longest_ms]
    return (fitting[-1] if fitting else EXPOSURES_MS[0]) / 1000


def _light(looks: Sequence[Look]) -> list[Advice]:
    gain = _median([look.gain for look in looks])
    lux = _median([look.lux for look in looks])
    if gain is not None and gain >= HIGH_GAIN:
        text = f"gain is {gain:.3g}, which makes noise: add light on the plates (infrared will do)"
        return [Advice(topic="gain", level=Level.HINT, text=text)]
    if lux is not None and lux < DARK_LUX:
        text = f"it is dark ({lux:.2g} lux): add light on the plates (infrared will do)"
        return [Advice(topic="light", level=Level.HINT, text=text)]
    return []


def _median(values: Sequence[float | None]) -> float | None:
    """Of those that are known; None where fewer than half are."""
    known = [value for value in values if value is not None]
    return median(known) if known and 2 * len(known) >= len(values) else None
