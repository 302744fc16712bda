"""Fits characters as read to the formats of plates. Knows no picture, asks no network.

Beside what `vision.plates.slots` corrects, up to two characters at the edges are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vision.plates.formats import EITHER, LETTERS, PLACES, PlateFormat
from vision.plates.slots import Laid, Line, align, shape
from vision.reading import CharacterReading

MOST_EDGE_CHARACTERS = 2
"""Characters beside the plate's text that a crop may catch (country strip, frame, screw)."""

MOST_COST = 1.15
"""Beyond this the text is bent so much that everyday text would fit: one stray character or two."""

MOSTCOST_RARE = 0.8
"""Likewise for rare formats, their own price included: no stray character."""

MOST_COST_UNIFORM = 0.5
"""Likewise for texts of digits or letters only, which any number or word fits: no correction."""

COST_RARE = 0.35
"""Price of a rare format, whatever the text: what else fits goes first."""

_COST_EDGE = 0.8
_COST_STRIP = 0.5
_CERTAIN = 0.9
"""A character read with this much is none of a frame or screw: while guessing it is not left out
at the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A text that a format allows. `cost` is 0 for a text that needed no correction at all.

    `kept` are the characters that count, as corrected.
    """

    text: str
    kept: tuple[CharacterReading, ...]
    format: PlateFormat
    cost: float

    @property
    def least_certain(self) -> float:
        """Confidence of the least certain kept character, as it was read."""
        return min(character.confidence for character in self.kept)


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
    shaped = [(entry, shape(entry.slots).fullmatch) for entry in formats]
    for edges, part in _trimmed(characters):
        dropped = "".join(character.text for character in edges)
        is_certain = any(character.confidence >= _CERTAIN for character in edges)
        line = Line.of(part)
        plain = line.plain
        may_drop_emblem = not (is_guess and line.has_gap)
        for plate_format, has_shape in shaped:
            if not has_shape(plain):
                continue
            is_strip = dropped in plate_format.strips
            if is_guess and is_certain and not is_strip:
                continue
            aligned = align(line, plate_format, may_drop_emblem=may_drop_emblem)
            if aligned is None or not _is_sound(aligned.laid, plate_format):
                continue
            edge_cost = 0.0
            if dropped:
                edge_cost = _COST_STRIP if is_strip else len(dropped) * _COST_EDGE
            cost = aligned.cost + edge_cost + (COST_RARE if plate_format.is_rare else 0.0)
            if cost <= _most_cost(plate_format):
                kept = tuple(laid.character for laid in aligned.laid)
                text = "".join(character.text for character in kept)
                yield Fit(text=text, kept=kept, format=plate_format, cost=cost)


def _is_sound(kept: tuple[Laid, ...], plate_format: PlateFormat) -> bool:
    """Whether the beginning exists, letters and digits were not all made by swapping, and a text of
    free choice has both.

    `LOXUS` must not become `L0XUS`, nor `091017` `09I017`.
    """
    text = "".join(laid.character.text for laid in kept)
    if plate_format.prefixes and not text.startswith(plate_format.prefixes):
        return False
    if EITHER in plate_format.slots and (text.isalpha() or text.isdigit()):
        return False
    for is_of_class in (str.isalpha, str.isdigit):
        of_class = [laid for laid in kept if is_of_class(laid.character.text)]
        if of_class and all(laid.cost > 0 for laid in of_class):
            return False
    return True


def _most_cost(plate_format: PlateFormat) -> float:
    kinds = set(plate_format.slots) - set(PLACES)
    if not kinds & LETTERS or kinds <= LETTERS:
        return MOST_COST_UNIFORM
    return MOSTCOST_RARE if plate_format.is_rare else MOST_COST


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
