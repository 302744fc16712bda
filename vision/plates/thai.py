"""What is written on a Thai plate: series, number, province. Knows no picture.

Two lines: `1กก 1234` (an optional digit and one to three consonants, then one to four digits) and
below it the province's name. Source: "Vehicle registration plates of Thailand", en.wikipedia.org,
with the announcements of the Department of Land Transport that it cites.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from vision.spelling import edit_distance

CONSONANTS = "".join(chr(code) for code in range(0x0E01, 0x0E2F) if chr(code) not in "ฤฦ")
"""The 44 consonants of the Thai alphabet (Unicode block U+0E00, U+0E01 to U+0E2E)."""

LETTERS = "".join(chr(code) for code in range(0x0E01, 0x0E5C) if chr(code).isprintable())
"""All that Thai is written with: consonants, vowels, marks, digits."""

_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_REGISTRATION = re.compile(rf"([1-9]?)([{CONSONANTS}]{{1,3}})([0-9]{{1,4}})")
_MOST_SHARE_WRONG = 0.4
_LEAST_LEAD = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The upper line: `series` is `1กก`, `number` is `1234`."""

    series: str
    number: str

    @property
    def text(self) -> str:
        """Without the space between the groups, as readings are compared."""
        return self.series + self.number

    @property
    def printed(self) -> str:
        return f"{self.series} {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """A name that stands on plates; `code` is that of ISO 3166-2."""

    code: str
    name: str
    english: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvinceMatch:
    """The province that a line names, and how many edits away the line was."""

    province: Province
    edits: int


def parse_registration(text: str) -> Registration | None:
    """The upper line as read (`1กก-1234`, `๑กก ๑๒๓๔`), or None where it is no Thai plate's."""
    plain = unicodedata.normalize("NFC", text).translate(_THAI_DIGITS)
    plain = "".join(c for c in plain if c.isdigit() or c in CONSONANTS or c.isalpha())
    match = _REGISTRATION.fullmatch(plain)
    if match is None or int(match[3]) == 0:
        return None
    return Registration(series=match[1] + match[2], number=match[3])


def match_province(text: str) -> ProvinceMatch | None:
    """The province whose name is nearest to `text` as read, or None where none is near.

    None too where two names are as near: then the line does not say which. Vowels and tone marks
    above and below the line are small on a plate and often lost, so each counts like any edit.
    """
    plain = "".join(unicodedata.normalize("NFC", text).split())
    if not plain:
        return None
    ranked = sorted(
        (
            (edit_distance(plain, province.name), province.code, province)
            for province in provinces()
        ),
        key=lambda entry: entry[:2],
    )
    (nearest, _, province), (second, _, _) = ranked[:2]
    if nearest > _MOST_SHARE_WRONG * len(province.name) or second - nearest < _LEAST_LEAD:
        return None
    return ProvinceMatch(province=province, edits=nearest)


@lru_cache(maxsize=1)
def provinces() -> tuple[Province, ...]:
    """Every name that stands on plates."""
    text = resources.files("vision.plates").joinpath("provinces.toml").read_text(encoding="utf-8")
    return tuple(
        Province(code=entry["code"], name=entry["name"], english=entry["english"])
        for entry in tomllib.loads(text)["province"]
    )
