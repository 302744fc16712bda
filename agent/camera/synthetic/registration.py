"""Plate texts in the syntax of real registers: which letters, which order, how they are spaced.

Letters that look like digits are left out where the register leaves them out, and I, O and Q
everywhere, so that a correct reading is a question of pixels and not of syntax.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_NO_U = _LETTERS.replace("U", "")
_CONSONANTS = "BCDFGHJKLMNPRSTVWXYZ"
_POLISH_SERIES = "ACEFGHJKLMNPRSTUVWXY"
_THAI_SERIES = "กขคงจฉชฌญฎฐธพภวศษสฆ"
"""First letters of cars ("Vehicle registration plates of Thailand", en.wikipedia.org)."""
_THAI_SECOND = "กขคฆงจฉชฌญฎฐฒณตถทธนบปผพภมยรลวศษสหฬอฮ"
_THAI_PROVINCES = (
    "กรุงเทพมหานคร", "เชียงใหม่", "นครราชสีมา", "ชลบุรี", "ขอนแก่น", "ภูเก็ต", "สงขลา", "ระยอง",
)  # fmt: skip
_DIGITS = "0123456789"
_NOT_ZERO = "123456789"


class Region(StrEnum):
    """Registers whose plates can be drawn (ISO 3166 codes in lower case)."""

    DE = "de"
    FR = "fr"
    IT = "it"
    PL = "pl"
    ES = "es"
    GB = "gb"
    US = "us"
    BR = "br"
    TH = "th"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A plate's text: `text` as a reader answers it, `printed` with its spaces and hyphens.

    `province` is the line below, on Thai plates.
    """

    region: Region
    text: str
    printed: str
    province: str | None = None


LATIN = tuple(region for region in Region if region is not Region.TH)
"""Registers whose plates need no Thai font to draw and no Thai network to read."""


_Slots = tuple[str | tuple[str, ...], ...]

# One slot per printed character or group: a string offers its characters, a tuple its groups.
_SYNTAX: dict[Region, tuple[_Slots, ...]] = {
    Region.DE: (
        (("B", "M", "K", "F", "S"), (" ",), _LETTERS, _LETTERS, (" ",), _NOT_ZERO, *[_DIGITS] * 3),
        (
            ("HH", "DD", "BN", "KA", "MS", "WE"),
            (" ",),
            _LETTERS,
            _LETTERS,
            (" ",),
            _NOT_ZERO,
            *[_DIGITS] * 2,
        ),
    ),
    Region.FR: ((_NO_U, _NO_U, ("-",), *[_DIGITS] * 3, ("-",), _NO_U, _NO_U),),
    Region.IT: ((_NO_U, _NO_U, (" ",), *[_DIGITS] * 3, (" ",), _NO_U, _NO_U),),
    Region.PL: ((("WA", "KR", "GD", "PZ", "RK", "LU"), (" ",), _NOT_ZERO, *[_DIGITS] * 4),),
    Region.ES: ((*[_DIGITS] * 4, (" ",), *[_CONSONANTS] * 3),),
    Region.GB: (
        (
            ("AB", "BD", "EA", "GK", "LC", "MA", "SN", "YD"),
            ("12", "17", "19", "21", "23", "24", "62", "68", "71", "73"),
            (" ",),
            *[_LETTERS] * 3,
        ),
    ),
    Region.US: ((_NOT_ZERO, *[_LETTERS] * 3, *[_DIGITS] * 3),),  # California
    Region.BR: ((*[_LETTERS] * 3, _DIGITS, _LETTERS, _DIGITS, _DIGITS),),  # Mercosul
    Region.TH: (
        (_NOT_ZERO, _THAI_SERIES, _THAI_SECOND, (" ",), _NOT_ZERO, *[_DIGITS] * 3),
        (_THAI_SERIES, _THAI_SECOND, (" ",), _NOT_ZERO, _DIGITS, _DIGITS),
    ),
}
_SHARED_SYNTAX = {Region.IT: Region.FR}  # same letters and digits: one series for both


def registration(*, seed: int, number: int, regions: tuple[Region, ...]) -> Registration:
    """The plate of vehicle `number`: the same for the same arguments.

    Within one seed no text comes twice (for the first 50,000 vehicles at least): each syntax is
    walked through by a full-period step (a step with no common divisor with the number of texts).
    """
    rng = np.random.default_rng([seed, number, 1])
    region = regions[int(rng.integers(len(regions)))]
    variants = _SYNTAX[region]
    variant = int(rng.integers(len(variants)))
    slots = variants[variant]
    series = _SHARED_SYNTAX.get(region, region)
    index = _place_in_series(seed, series, variant, number, math.prod(len(s) for s in slots))
    printed = ""
    for slot in reversed(slots):
        index, choice = divmod(index, len(slot))
        printed = slot[choice] + printed
    text = printed.replace(" ", "").replace("-", "")
    province = _THAI_PROVINCES[number % len(_THAI_PROVINCES)] if region is Region.TH else None
    return Registration(region=region, text=text, printed=printed, province=province)


def _place_in_series(seed: int, region: Region, variant: int, number: int, size: int) -> int:
    rng = np.random.default_rng([seed, list(Region).index(region), variant, 2])
    start = int(rng.integers(size))
    step = int(size * (0.3 + 0.4 * rng.random()))
    while math.gcd(step, size) != 1:
        step += 1
    return (start + step * number) % size
