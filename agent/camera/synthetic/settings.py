"""The parameters of a `synthetic:` address as one frozen value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from agent.camera.errors import SourceUnknown
from agent.camera.synthetic.registration import LATIN, Region

_Kind = TypeVar("_Kind", bound=StrEnum)

EXAMPLE = "synthetic:?vehicles=20&seed=1"


class Traffic(StrEnum):
    """How vehicles pass: in two lanes towards each other; abreast, both approaching; standing a
    while in the picture; coming back the other way with the same plate."""

    FLOW = "flow"
    PAIRS = "pairs"
    HALTS = "halts"
    RETURNS = "returns"


class Fixture(StrEnum):
    """What else stands in the picture: a camera's overlay (a name, and a time that changes every
    second), a sign shaped like a plate, a parked car."""

    OVERLAY = "overlay"
    SIGN = "sign"
    PARKED = "parked"


class Daylight(StrEnum):
    """When the scene plays; MIX turns from day to night and back every 20 seconds."""

    DAY = "0"
    NIGHT = "1"
    MIX = "mix"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSettings:
    """What is rendered.

    `vehicles` None and `seconds` None never ends; `seconds` ends it whatever passes. `halt` is how
    long vehicles stand, `away` how long they are gone, both in seconds. `realtime` None paces only
    what never ends.
    """

    vehicles: int | None = None
    seconds: float | None = None
    seed: int = 0
    fps: float = 10.0
    width: int = 1280
    height: int = 720
    night: Daylight = Daylight.MIX
    plates: tuple[Region, ...] = LATIN
    traffic: Traffic = Traffic.FLOW
    halt: float = 8.0
    away: float = 10.0
    scenery: tuple[Fixture, ...] = ()
    realtime: bool | None = None

    @property
    def is_finite(self) -> bool:
        return self.vehicles is not None or self.seconds is not None

    @property
    def is_paced(self) -> bool:
        """Whether frames come at `fps` as from a camera, not as fast as they are read."""
        return not self.is_finite if self.realtime is None else self.realtime


def parse_settings(parameters: Mapping[str, str]) -> SyntheticSettings:
    """Settings from the query of a `synthetic:` address; raises `SourceUnknown` naming the key."""
    unknown = [key for key in parameters if key not in PARAMETERS]
    if unknown:
        raise SourceUnknown(
            f"synthetic: has no parameter {unknown[0]!r}; it takes {', '.join(PARAMETERS)}, "
            f"for instance {EXAMPLE}"
        )
    values: dict[str, Any] = {}
    for key, text in parameters.items():
        parse, expected = PARAMETERS[key]
        try:
            values[key] = parse(text)
        except ValueError as error:
            raise SourceUnknown(
                f"synthetic: parameter {key} is {text!r}, expected {expected}, "
                f"for instance {EXAMPLE}"
            ) from error
    settings = SyntheticSettings(**values)
    if settings.vehicles == 0 and settings.seconds is None:
        raise SourceUnknown(
            "synthetic: vehicles is 0, but not how long the empty road lasts: add seconds, for "
            "instance synthetic:?vehicles=0&seconds=60"
        )
    if settings.width < settings.height:
        raise SourceUnknown(
            f"synthetic: the scene is at least as wide as high, not "
            f"{settings.width}x{settings.height}: give a width of {settings.height} or more"
        )
    return settings


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return parse


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return parse


def _some_of(kind: type[_Kind]) -> Callable[[str], tuple[_Kind, ...]]:
    def parse(text: str) -> tuple[_Kind, ...]:
        return tuple(dict.fromkeys(kind(part.strip().lower()) for part in text.split(",")))

    return parse


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


PARAMETERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "vehicles": (_whole(0, 100_000), "a whole number from 0 to 100000"),
    "seconds": (_number(1.0, 86_400.0), "seconds from 1 to 86400"),
    "seed": (_whole(0, 2**63 - 1), "a whole number from 0"),
    "fps": (_number(1.0, 120.0), "frames per second from 1 to 120"),
    "width": (_whole(320, 7680), "pixels from 320 to 7680"),
    "height": (_whole(180, 4320), "pixels from 180 to 4320"),
    "night": (Daylight, "0 (day), 1 (night) or mix"),
    "traffic": (Traffic, f"one of {', '.join(Traffic)}"),
    "halt": (_number(1.0, 3600.0), "seconds from 1 to 3600"),
    "away": (_number(1.0, 3600.0), "seconds from 1 to 3600"),
    "scenery": (_some_of(Fixture), f"some of {','.join(Fixture)}, separated by commas"),
    "plates": (_some_of(Region), f"some of {','.join(Region)}, separated by commas"),
    "realtime": (_flag, "0 (as fast as it is read) or 1 (at fps)"),
}
"""Name -> (parser that raises ValueError, what it expects)."""
