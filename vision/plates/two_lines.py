"""Plates of two lines: which lines stand above one another, and what they say together.

Knows no picture. Square plates carry the same texts as long ones, broken at one of their gaps
(Italy, Germany, Slovakia and others allow them where there is little room).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from vision.geometry import Box, Quad
from vision.plates.ctc import TextLine
from vision.plates.gates import LEAST_HEIGHT_PX, bounding_box
from vision.plates.hypotheses import Hypothesis
from vision.plates.judging import Line
from vision.plates.surroundings import Ground
from vision.plates.text_regions import TextRegion
from vision.reading import CharacterReading

MOST_PAIRS = 3
"""Pairs of lines that one look reads; a page of text would have hundreds."""

_ASPECT = (0.6, 4.5)
_PLATE_ASPECT = (0.7, 2.6)
_MOST_HEIGHTS_APART = 1.5
_MOST_GAP = 0.6
_MOST_ASIDE = 0.35
_MOST_TEXTS = 4
_BREAK = CharacterReading(text=" ", confidence=1.0)


def stacked(regions: Sequence[TextRegion]) -> list[tuple[TextRegion, TextRegion]]:
    """Pairs of upper and lower line that may be one plate, the largest first, at most three."""
    lines = [region for region in regions if _is_line(region)]
    pairs = [(a, b) for a, b in itertools.permutations(lines, 2) if _is_above(a, b)]
    pairs.sort(key=lambda pair: -_around(*pair).area)
    return pairs[:MOST_PAIRS]


def joined(upper: Line, lower: Line) -> Line:
    """Both as one line: each text of one with each of the other, their doubts added up. Of the
    upper line those texts count that are as long as its likeliest."""
    length = _length(upper.looks[0][0])
    above = [text for text in upper.looks[0][:_MOST_TEXTS] if _length(text) == length]
    pairs = itertools.product(above, lower.looks[0][:_MOST_TEXTS])
    texts = sorted((_joined(a, b) for a, b in pairs), key=lambda text: text.doubt)
    quad = _quad_around(upper.region, lower.region)
    region = TextRegion(quad=quad, score=min(upper.region.score, lower.region.score))
    return Line(
        region=region,
        looks=(tuple(texts),),
        ground=_ground_of_both(upper.ground, lower.ground),
        break_after=length,
    )


def _ground_of_both(upper: Ground | None, lower: Ground | None) -> Ground | None:
    """It ends above the upper line and below the lower, aside where the longer one says so."""
    if upper is None or lower is None:
        return None
    return Ground(
        above=upper.above,
        below=lower.below,
        left=_nearer(upper.left, lower.left),
        right=_nearer(upper.right, lower.right),
        is_dark=upper.is_dark or lower.is_dark,
    )


def _nearer(one: float | None, other: float | None) -> float | None:
    return min((end for end in (one, other) if end is not None), default=None)


def _length(text: Hypothesis) -> int:
    return sum(character.text.isalnum() for character in text.line.characters)


def _quad_around(upper: TextRegion, lower: TextRegion) -> Quad:
    """The upright rectangle that holds both."""
    box = _around(upper, lower)
    return (box.x1, box.y1), (box.x2, box.y1), (box.x2, box.y2), (box.x1, box.y2)


def _joined(upper: Hypothesis, lower: Hypothesis) -> Hypothesis:
    characters = (*upper.line.characters, _BREAK, *lower.line.characters)
    positions = (*upper.line.positions, 1.0, *lower.line.positions)
    line = TextLine(characters=characters, positions=positions)
    return Hypothesis(line=line, doubt=upper.doubt + lower.doubt)


def _is_line(region: TextRegion) -> bool:
    aspect = region.width / max(1.0, region.height)
    return region.height >= LEAST_HEIGHT_PX and _ASPECT[0] <= aspect <= _ASPECT[1]


def _is_above(upper: TextRegion, lower: TextRegion) -> bool:
    above, below = bounding_box(upper.quad), bounding_box(lower.quad)
    low, high = sorted((upper.height, lower.height))
    gap = below.center[1] - above.center[1] - (upper.height + lower.height) / 2
    aside = abs(above.center[0] - below.center[0])
    around = _around(upper, lower)
    aspect = around.width / max(1.0, around.height)
    return (
        above.center[1] < below.center[1]
        and high <= _MOST_HEIGHTS_APART * low
        and abs(gap) <= _MOST_GAP * low
        and aside <= _MOST_ASIDE * around.width
        and _PLATE_ASPECT[0] <= aspect <= _PLATE_ASPECT[1]
    )


def _around(upper: TextRegion, lower: TextRegion) -> Box:
    return bounding_box(upper.quad).united(bounding_box(lower.quad))
