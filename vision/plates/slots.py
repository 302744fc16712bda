"""Lays characters into the slots of a plate format, at the least cost. Knows no country.

Corrections are few on purpose: O and 0, I and 1 by the slot they stand in, and a character read
from a sticker or emblem at its known place. Wider look-alike swaps (B and 8, S and 5) turn right
readings into wrong ones more often than the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from vision.plates.formats import (
    DIGIT,
    EITHER,
    LETTER,
    LETTERS,
    MARKED_PLACE,
    NONZERO,
    PLACE,
    PLACES,
    THAI_LETTER,
    PlateFormat,
)
from vision.plates.thai import CONSONANTS
from vision.reading import CharacterReading

_SWAP = {"O": "0", "0": "O", "I": "1", "1": "I"}
_COST_SWAP = 0.3
_COST_EMBLEM = 0.7
_COST_STRAY_MARK = 0.5
_COST_UNSEEN_PLACE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A character in its slot; the cost tells whether it was swapped."""

    character: CharacterReading
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """Characters in their slots, and what that cost."""

    cost: float
    laid: tuple[Laid, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Letters and digits of a line, and how many marks stand before each of them."""

    characters: tuple[CharacterReading, ...]
    marks: tuple[int, ...]

    @classmethod
    def of(cls, characters: Sequence[CharacterReading]) -> Line:
        kept: list[CharacterReading] = []
        marks: list[int] = []
        seen = 0
        for character in characters:
            if character.text.isalnum():
                kept.append(character)
                marks.append(seen)
                seen = 0
            else:
                seen += 1
        return cls(characters=tuple(kept), marks=tuple(marks))

    @property
    def plain(self) -> str:
        """Letters and digits alone."""
        return "".join(character.text for character in self.characters)

    @property
    def has_gap(self) -> bool:
        return any(self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """A format's slots without its places; a place stands before the slot of its index.

    `later` is the index of the first slot behind the first digit.
    """

    slots: str
    later: int
    places: tuple[int, ...]
    must: frozenset[int]


@cache
def _layout(slots: str) -> _Layout:
    core: list[str] = []
    places: list[int] = []
    must: set[int] = set()
    for slot in slots:
        if slot in PLACES:
            places.append(len(core))
            if slot == MARKED_PLACE:
                must.add(len(core))
        else:
            core.append(slot)
    later = next((i for i, slot in enumerate(core) if slot not in LETTERS), len(core))
    return _Layout(slots="".join(core), later=later, places=tuple(places), must=frozenset(must))


_MAY_STAND = {
    LETTER: "[A-Z01]",
    THAI_LETTER: f"[{CONSONANTS}]",
    DIGIT: "[0-9OI]",
    NONZERO: "[0-9OI]",
    EITHER: "[A-Z0-9]",
    PLACE: ".?",
    MARKED_PLACE: ".?",
}


@cache
def shape(slots: str) -> re.Pattern[str]:
    """What letters and digits alone may look like that can be laid into the slots: matching it is
    much cheaper than laying them, and hardly any text passes that cannot be laid."""
    return re.compile("".join(_MAY_STAND[slot] for slot in slots))


def align(line: Line, plate_format: PlateFormat, *, may_drop_emblem: bool) -> Aligned | None:
    """The cheapest way of laying the line into the format's slots, or None.

    `may_drop_emblem`: a letter or digit that stands at a place may be left out.
    """
    layout = _layout(plate_format.slots)
    extra = len(line.characters) - len(layout.slots)
    if extra < 0 or extra > (len(layout.places) if may_drop_emblem else 0):
        return None
    ways = (
        _aligned(line, layout, emblems, plate_format)
        for emblems in combinations(layout.places, extra)
    )
    return min((way for way in ways if way is not None), key=lambda way: way.cost, default=None)


def _aligned(
    line: Line, layout: _Layout, emblems: tuple[int, ...], plate_format: PlateFormat
) -> Aligned | None:
    """With a character left out at each place of `emblems`."""
    laid: list[Laid] = []
    cost = _COST_EMBLEM * len(emblems)
    before, after = plate_format.without, plate_format.without | plate_format.later_without
    kept = _kept(line, emblems)
    for index, (slot, (at, _)) in enumerate(zip(layout.slots, kept, strict=True)):
        without = before if index < layout.later else after
        found = _laid(line.characters[at], slot, without)
        if found is None:
            return None
        laid.append(found)
        cost += found.cost
    marks = _place_cost(line, layout, emblems)
    return None if marks is None else Aligned(cost=cost + marks, laid=tuple(laid))


def _kept(line: Line, emblems: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Index in the line of each slot's character, and the marks seen since the one before."""
    at = marks = 0
    for slot in range(len(line.characters) - len(emblems)):
        marks = line.marks[at]
        if slot in emblems:
            at += 1
            marks += line.marks[at]
        yield at, marks
        at += 1


def _place_cost(line: Line, layout: _Layout, emblems: tuple[int, ...]) -> float | None:
    """What gaps cost that were not seen, and marks that stand where none belongs."""
    cost = 0.0
    for slot, (_, marks) in enumerate(_kept(line, emblems)):
        is_open = slot in layout.places and slot not in emblems
        if is_open and marks == 0:
            if slot in layout.must:
                return None
            cost += _COST_UNSEEN_PLACE
        strays = marks - 1 if is_open and marks else marks
        cost += _COST_STRAY_MARK * strays
    return cost


def _laid(character: CharacterReading, slot: str, without: frozenset[str]) -> Laid | None:
    """The character as it stands in a slot, swapped where the slot's class asks for it.

    What was read stays as its alternative, at half its confidence: the format speaks for the swap.
    """
    if _belongs(character.text, slot, without):
        return Laid(character=character, cost=0.0)
    swapped = _SWAP.get(character.text)
    if swapped is None or not _belongs(swapped, slot, without):
        return None
    others = tuple(pair for pair in character.alternatives if pair[0] != swapped)
    corrected = CharacterReading(
        text=swapped,
        confidence=character.confidence,
        alternatives=((character.text, character.confidence / 2), *others),
    )
    return Laid(character=corrected, cost=_COST_SWAP)


def _belongs(text: str, slot: str, without: frozenset[str]) -> bool:
    if slot == THAI_LETTER:
        return text in CONSONANTS
    if not text.isascii():
        return False
    if slot == EITHER:
        return text.isalnum()
    if slot == LETTER:
        return text.isalpha() and text not in without
    return text.isdigit() and not (slot == NONZERO and text == "0")
