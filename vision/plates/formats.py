"""The table of plate formats: reads `formats.toml` and picks the formats of some regions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import product
from typing import Any

from vision.errors import VisionError

LETTER, THAI_LETTER, DIGIT, NONZERO, EITHER = "L", "T", "D", "N", "A"
LETTERS = frozenset({LETTER, THAI_LETTER})
PLACE, MARKED_PLACE = "*", "!"
PLACES = (PLACE, MARKED_PLACE)

_PART = re.compile(r"([LTDNA*!])(?:\{(\d),(\d)\})?")


class UnknownRegion(VisionError):
    """A region was asked for of which no format is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateFormat:
    """One fixed sequence of slots: `L` a letter, `T` a Thai consonant, `D` a digit, `N` a digit
    but 0, `A` a letter or digit, `*` a place for a mark, `!` one where something must have been
    seen.

    `aspect` is the least and greatest width by height of its line of text, `least_pitch` the least
    width for each character, likewise; below `sign_pitch` it is no sign's. `may_be_dark`: a usual
    kind of its plates has light characters on dark ground. Letters `without` stand
    nowhere, `later_without` not after the first digit. `examples` are those of the whole entry that
    this one came from, as printed.
    """

    name: str
    region: str
    country: str
    slots: str
    without: frozenset[str] = frozenset()
    later_without: frozenset[str] = frozenset()
    examples: tuple[str, ...] = ()
    source: str = ""
    prefixes: tuple[str, ...] = ()
    strips: tuple[str, ...] = ()
    is_rare: bool = False
    is_asked_only: bool = False
    is_personal: bool = False
    may_be_dark: bool = False
    aspect: tuple[float, float]
    least_pitch: float = 0.0
    sign_pitch: float = 0.0

    @property
    def length(self) -> int:
        """Characters of its text."""
        return len(self.slots) - self.places

    @property
    def gaps(self) -> frozenset[int]:
        """How many characters stand before each place where a mark may or must: a plate of two
        lines is broken at one of them."""
        found, before = set[int](), 0
        for slot in self.slots:
            if slot in PLACES:
                found.add(before)
            else:
                before += 1
        return frozenset(found)

    @property
    def places(self) -> int:
        """Places where a mark may or must stand."""
        return sum(self.slots.count(place) for place in PLACES)


def formats_of(regions: Sequence[str]) -> tuple[PlateFormat, ...]:
    """The formats of those regions or countries (`eu`, `us`, `sk`); empty means all to guess from.

    When guessing, formats that everyday text fits too are left out. Those of personalised plates
    are apart (`personal_formats_of`). Raises `UnknownRegion`.
    """
    return tuple(entry for entry in _asked(regions) if not entry.is_personal)


def personal_formats_of(regions: Sequence[str]) -> tuple[PlateFormat, ...]:
    """Those of plates whose text the owner chose; none while guessing. Raises `UnknownRegion`."""
    return tuple(entry for entry in _asked(regions) if entry.is_personal)


def narrow_formats_of(regions: Sequence[str]) -> tuple[PlateFormat, ...]:
    """Those that everyday text fits too, of regions whose plates have narrower letters than signs:
    to guess from where a line has such. None where regions were asked for, which have them all."""
    return () if regions else tuple(e for e in _table() if _may_be_told_from_signs(e))


def _may_be_told_from_signs(entry: PlateFormat) -> bool:
    return entry.is_asked_only and not entry.is_personal and entry.sign_pitch > 0


def _asked(regions: Sequence[str]) -> tuple[PlateFormat, ...]:
    table = _table()
    if not regions:
        return tuple(entry for entry in table if not entry.is_asked_only)
    known = sorted({entry.region for entry in table} | {entry.country for entry in table})
    wanted = [region.strip().lower() for region in regions]
    for region in wanted:
        if region not in known:
            raise UnknownRegion(
                f"region {region!r} has no plate formats; known are {', '.join(known)}"
            )
    return tuple(entry for entry in table if entry.region in wanted or entry.country in wanted)


def expanded(pattern: str) -> tuple[str, ...]:
    """Every fixed sequence of a pattern: `L{1,2}*D` gives `L*D` and `LL*D`."""
    parts = [match.groups() for match in _PART.finditer(pattern)]
    if "".join(match.group() for match in _PART.finditer(pattern)) != pattern or not parts:
        raise ValueError(
            f"pattern {pattern!r}: expected L, T, D, N, A, *, ! and repeats like L{{1,3}}"
        )
    choices = [
        [slot * count for count in range(int(least or 1), int(most or 1) + 1)]
        for slot, least, most in parts
    ]
    return tuple("".join(choice) for choice in product(*choices))


@lru_cache(maxsize=1)
def everyday_words() -> frozenset[str]:
    """Words that go with numbers on signs, shops and screens."""
    return frozenset(_file()["everyday"]["words"])


@lru_cache(maxsize=1)
def _table() -> tuple[PlateFormat, ...]:
    return parse_formats(_file())


def _file() -> dict[str, Any]:
    text = resources.files("vision.plates").joinpath("formats.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _least_length(slots: str) -> int:
    """Thai plates may have two characters; elsewhere so few would be found in any picture."""
    return 2 if THAI_LETTER in slots else 4


def parse_formats(table: dict[str, Any]) -> tuple[PlateFormat, ...]:
    """The formats of a parsed table, in its order, every pattern written out."""
    formats: list[PlateFormat] = []
    for entry in table["format"]:
        region = table["region"][entry["region"]]
        for pattern in entry["patterns"]:
            formats.extend(
                PlateFormat(
                    name=f"{entry['country']}:{slots}",
                    region=entry["region"],
                    country=entry["country"],
                    slots=slots,
                    without=frozenset(entry.get("without", "")),
                    later_without=frozenset(entry.get("later_without", "")),
                    examples=tuple(entry["examples"]),
                    source=table["source"][entry["country"]],
                    prefixes=tuple(entry.get("prefixes", ())),
                    strips=tuple(table.get("strip", {}).get(entry["country"], ())),
                    is_rare=entry.get("rare", False),
                    is_asked_only=entry.get("asked", False),
                    is_personal=entry.get("personal", False),
                    may_be_dark=entry.get("dark", False),
                    aspect=(region["aspect"][0], region["aspect"][1]),
                    least_pitch=region.get("pitch", 0.0),
                    sign_pitch=region.get("sign", 0.0),
                )
                for slots in expanded(pattern)
                if _least_length(slots) <= sum(slot not in PLACES for slot in slots) <= 9
            )
    return tuple(formats)
