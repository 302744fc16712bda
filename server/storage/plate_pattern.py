"""Plates as they are searched for: wildcards, look-alike characters, and how likely a match is.

Pure. The folding is that of the column `plate_key` (db/server/sqlite/0003_search.sql).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from server.errors import QuestionInvalid
from wire.plates import CLASS_OF, SEPARATORS, compact, folded

LONGEST: Final = 64

NO_EVIDENCE_SHARE: Final = 0.1
LEAST_SHARE: Final = 0.01
"""Of a look-alike when the camera sent no alternatives, and when it named others. They only put
matches in an order (a plain match first, one confused character before two): not measured."""

_ANY: Final = "*"
_ONE: Final = "?"

Alternatives = Sequence[tuple[str, float, Sequence[tuple[str, float]]]]
"""Of each character of a reading: itself, its confidence 0..1, and (other, share 0..1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatePattern:
    """What somebody searches for; `text` is compact and has the wildcards `*` and `?`."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None where it asks for nothing: empty, or `*` alone. Raises QuestionInvalid."""
        if len(text) > LONGEST or any(unicodedata.category(one) == "Cc" for one in text):
            raise QuestionInvalid(
                f"plate={text[:LONGEST]!r}: expected at most {LONGEST} characters, no control "
                "characters, with * for any characters and ? for one, such as 1กก* or AB?1234"
            )
        cleaned = re.sub(r"\*+", _ANY, compact(text))
        return None if cleaned in ("", _ANY) else cls(text=cleaned)

    @property
    def key(self) -> str:
        return folded(self.text)

    @property
    def is_whole(self) -> bool:
        """No wildcard in it."""
        return _ANY not in self.text and _ONE not in self.text

    @property
    def is_anybody(self) -> bool:
        """No character in it, and no end to their number: what it leaves out is short."""
        return _ANY in self.text and not self.text.strip(_ANY + _ONE)

    @property
    def prefix(self) -> str:
        """The beginning of every key that matches."""
        return re.split(r"[*?]", self.key, maxsplit=1)[0]

    @property
    def key_glob(self) -> str:
        """For SQL's GLOB on keys."""
        return _glob(self.key)

    @property
    def exact_glob(self) -> str:
        """For SQL's GLOB on compact texts."""
        return _glob(self.text)

    def likelihood(self, plate: str, evidence: Alternatives = ()) -> float:
        """0..1: how likely a plate whose key matches is the one that was meant.

        A confused character counts by the share that the reading itself gave to the other one.
        """
        read = compact(plate)
        places = _places(self.text, read)
        if places is None:
            return 0.0
        said = [each for each in evidence if each[0] not in SEPARATORS]
        is_told = len(said) == len(read)
        likelihood = 1.0
        for at, asked in places:
            if read[at] != asked:
                likelihood *= _share(asked, said[at]) if is_told else NO_EVIDENCE_SHARE
        return likelihood


def _glob(text: str) -> str:
    return text.replace("[", "[[]")


def _places(pattern: str, text: str) -> list[tuple[int, str]] | None:
    """Where each character of the pattern stands in the text, itself or one that is confused with
    it, each `*` taking as little as it can; None where the text is none of the pattern's."""
    places: list[tuple[int, str]] = []
    here = at = 0
    star = taken = kept = -1
    while at < len(text) or here < len(pattern):
        asked = pattern[here] if here < len(pattern) else ""
        if asked == _ANY:
            star, taken, kept = here, at, len(places)
            here += 1
        elif at < len(text) and asked and (asked == _ONE or _is_alike(asked, text[at])):
            if asked != _ONE:
                places.append((at, asked))
            here, at = here + 1, at + 1
        elif 0 <= taken < len(text):  # the last star takes one more
            taken += 1
            here, at = star + 1, taken
            del places[kept:]
        else:
            return None
    return places


def _is_alike(one: str, other: str) -> bool:
    return one == other or other in CLASS_OF.get(one, "")


def _share(asked: str, said: tuple[str, float, Sequence[tuple[str, float]]]) -> float:
    """What the reading gave to `asked` in place of what it read."""
    _, confidence, alternatives = said
    for text, share in alternatives:
        if compact(text) == asked:
            return min(1.0, max(LEAST_SHARE, share))
    left = 1.0 - confidence - sum(share for _, share in alternatives)
    others = len(CLASS_OF[asked]) - 1
    return min(1.0, max(LEAST_SHARE, left / others))
