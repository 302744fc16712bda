"""Fits characters as read to the formats of plates. Knows no picture, asks no network.

Corrections are few on purpose: O and 0, I and 1 by the slot they stand in, a character read from
a sticker or emblem at its known place, up to two characters at the edges. Wider look-alike swaps
(B and 8, S and 5) turn right readings into wrong ones more often than the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from vision.plates.formats import LETTER, NONZERO, PLACE, PLACES, PlateFormat
from vision.reading import CharacterReading

MOST_EDGE_CHARACTERS = 2
"""Characters beside the plate's text that a crop may catch (country strip, frame, screw)."""

MOST_COST = 1.15
"""Beyond this the text is bent so much that everyday text would fit: one stray character or two."""

MOST_COST_RARE = 0.8
"""Likewise for rare formats, their own price included: no stray character."""

MOST_COST_UNIFORM = 0.5
"""Likewise for texts of digits or letters only, which any number or word fits: no correction."""

_SWAP = {"O": "0", "0": "O", "I": "1", "1": "I"}
_COST_SWAP = 0.3
_COST_EDGE = 0.8
_COST_STRIP = 0.5
_COST_EMBLEM = 0.7
_COST_STRAY_MARK = 0.5
_COST_UNSEEN_PLACE = 0.1
_COST_RARE = 0.35
_DOUBT = 0.4
_CERTAIN = 0.9
"""A character read with this much is none of a frame or screw: while guessing it is not left out
at the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A text that a format allows. `cost` is 0 for a text that needed no correction at all.

    `kept` are the characters that count, as corrected. `bend` is the part of the cost that stands
    for characters left out or swapped.
    """

    text: str
    kept: tuple[CharacterReading, ...]
    format: PlateFormat
    cost: float
    bend: float

    @property
    def least_certain(self) -> float:
        """Confidence of the least certain kept character, as it was read."""
        return min(character.confidence for character in self.kept)

    @property
    def trust(self) -> float:
        """What bending leaves of a character's confidence, 0..1: a single swap, the smallest
        correction, leaves 0.88, so that no bent text reaches 0.9."""
        return max(0.0, 1.0 - _DOUBT * self.bend)

    @property
    def confidence(self) -> float:
        return self.least_certain * self.trust

    def characters(self) -> tuple[CharacterReading, ...]:
        """The kept characters as far as they are to be trusted."""
        return tuple(
            replace(
                character,
                confidence=character.confidence * self.trust,
                alternatives=tuple((t, share * self.trust) for t, share in character.alternatives),
            )
            for character in self.kept
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Laid:
    """A character in its slot; the cost tells whether it was swapped."""

    character: CharacterReading
    cost: float


def best_fit(
    characters: Sequence[CharacterReading],
    formats: Sequence[PlateFormat],
    *,
    is_guess: bool = False,
) -> Fit | None:
    """The cheapest fit among `formats`, earlier formats first where two cost the same."""
    best: Fit | None = None
    for candidate in fits(characters, formats, is_guess=is_guess):
        if best is None or candidate.cost < best.cost - 1e-9:
            best = candidate
    return best


def fits(
    characters: Sequence[CharacterReading],
    formats: Sequence[PlateFormat],
    *,
    is_guess: bool = False,
) -> Iterator[Fit]:
    """Every fit, for each format and each way of leaving out edge characters.

    `is_guess`: the regions are not known, so that less may be left out. A certain character stays
    unless it is a country's strip, and none is taken for an emblem in a text that shows its gap.
    """
    for edges, part in _trimmed(characters):
        dropped = "".join(character.text for character in edges)
        is_certain = any(character.confidence >= _CERTAIN for character in edges)
        size = sum(character.text.isalnum() for character in part)
        for plate_format in formats:
            if not 0 <= size - plate_format.length <= plate_format.places:
                continue
            is_strip = dropped in plate_format.strips
            if is_guess and is_certain and not is_strip:
                continue
            aligned = _align(tuple(part), plate_format, is_guess=is_guess)
            if aligned is None or not _is_sound(aligned.laid, plate_format):
                continue
            edge_cost = 0.0
            if dropped:
                edge_cost = _COST_STRIP if is_strip else len(dropped) * _COST_EDGE
            cost = aligned.cost + edge_cost + (_COST_RARE if plate_format.is_rare else 0.0)
            if cost <= _most_cost(plate_format):
                kept = tuple(laid.character for laid in aligned.laid)
                text = "".join(character.text for character in kept)
                bend = aligned.bend + edge_cost
                yield Fit(text=text, kept=kept, format=plate_format, cost=cost, bend=bend)


def _is_sound(kept: tuple[_Laid, ...], plate_format: PlateFormat) -> bool:
    """Whether the beginning exists, and letters and digits were not all made by swapping.

    `LOXUS` must not become `L0XUS`, nor `091017` `09I017`.
    """
    text = "".join(laid.character.text for laid in kept)
    if plate_format.prefixes and not text.startswith(plate_format.prefixes):
        return False
    for is_of_class in (str.isalpha, str.isdigit):
        of_class = [laid for laid in kept if is_of_class(laid.character.text)]
        if of_class and all(laid.cost > 0 for laid in of_class):
            return False
    return True


def _most_cost(plate_format: PlateFormat) -> float:
    kinds = set(plate_format.slots) - set(PLACES)
    if LETTER not in kinds or kinds == {LETTER}:
        return MOST_COST_UNIFORM
    return MOST_COST_RARE if plate_format.is_rare else MOST_COST


def _trimmed(
    characters: Sequence[CharacterReading],
) -> Iterator[tuple[Sequence[CharacterReading], Sequence[CharacterReading]]]:
    """What is dropped at the edges (letters and digits), and the characters that remain."""
    places = [i for i, character in enumerate(characters) if character.text.isalnum()]
    for dropped in range(MOST_EDGE_CHARACTERS + 1):
        for left in range(dropped + 1):
            kept = places[left : len(places) - (dropped - left)]
            if kept:
                edges = [*places[:left], *places[len(places) - (dropped - left) :]]
                yield [characters[i] for i in edges], characters[kept[0] : kept[-1] + 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Aligned:
    """Characters in their slots; `bend` is the cost of those left out or swapped."""

    cost: float = 0.0
    bend: float = 0.0
    laid: tuple[_Laid, ...] = ()


def _align(
    characters: tuple[CharacterReading, ...], plate_format: PlateFormat, *, is_guess: bool
) -> _Aligned | None:
    """The cheapest way of laying the characters into the slots, or None."""
    slots = plate_format.slots
    has_gap = any(not character.text.isalnum() for character in characters)

    @cache
    def best(at: int, slot: int) -> _Aligned | None:
        if at == len(characters) and slot == len(slots):
            return _Aligned()
        ways = []
        if slot < len(slots) and slots[slot] == PLACE:
            ways.append(_with(_COST_UNSEEN_PLACE, 0.0, best(at, slot + 1)))
        if at < len(characters):
            character = characters[at]
            is_mark = not character.text.isalnum()
            if slot < len(slots) and slots[slot] in PLACES:
                cost = 0.0 if is_mark else _COST_EMBLEM
                if is_mark or not (is_guess and has_gap):
                    ways.append(_with(cost, cost, best(at + 1, slot + 1)))
            elif is_mark:
                ways.append(_with(_COST_STRAY_MARK, 0.0, best(at + 1, slot)))
            elif slot < len(slots):
                laid = _laid(character, slots[slot], plate_format.without)
                if laid is not None:
                    ways.append(_with(laid.cost, laid.cost, best(at + 1, slot + 1), laid))
        found = [way for way in ways if way is not None]
        return min(found, key=lambda way: way.cost) if found else None

    return best(0, 0)


def _with(
    cost: float, bend: float, rest: _Aligned | None, laid: _Laid | None = None
) -> _Aligned | None:
    if rest is None:
        return None
    kept = rest.laid if laid is None else (laid, *rest.laid)
    return _Aligned(cost=cost + rest.cost, bend=bend + rest.bend, laid=kept)


def _laid(character: CharacterReading, slot: str, without: frozenset[str]) -> _Laid | None:
    """The character as it stands in a slot, swapped where the slot's class asks for it.

    What was read stays as its alternative, at half its confidence: the format speaks for the swap.
    """
    if _belongs(character.text, slot, without):
        return _Laid(character=character, cost=0.0)
    swapped = _SWAP.get(character.text)
    if swapped is None or not _belongs(swapped, slot, without):
        return None
    others = tuple(pair for pair in character.alternatives if pair[0] != swapped)
    corrected = CharacterReading(
        text=swapped,
        confidence=character.confidence,
        alternatives=((character.text, character.confidence / 2), *others),
    )
    return _Laid(character=corrected, cost=_COST_SWAP)


def _belongs(text: str, slot: str, without: frozenset[str]) -> bool:
    if not text.isascii():
        return False
    if slot == LETTER:
        return text.isalpha() and text not in without
    return text.isdigit() and not (slot == NONZERO and text == "0")
