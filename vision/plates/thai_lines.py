"""Thai plates among the lines of a picture: which line is the number, which the province.

With a network that reads Thai, the number goes through the grammar like any plate. Without one the
digits are read all the same, and the reading is marked partial. Knows no picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from vision.geometry import Box
from vision.plates.ctc import TextLine
from vision.plates.formats import everyday_words
from vision.plates.gates import bounding_box
from vision.plates.judging import Line, within
from vision.plates.text_regions import TextRegion
from vision.plates.thai import match_province
from vision.reading import CharacterReading, PlateReading

REGION = "th"

_APART = re.compile(r"[^\W_][\W_]+\d{1,4}\W*$")
_MOST_DIGITS = 4
_MOST_SERIES = 5
_LEAST_SURE = 0.5
_MOST_SURE_SERIES = 0.97
_MOST_SURE_PROVINCE = 0.75
_PROVINCE_HEIGHT = (0.4, 0.9)
_PROVINCE_WIDTH = (0.25, 1.2)
_MOST_GAP = 0.8


def province_line(region: TextRegion, others: Sequence[TextRegion]) -> TextRegion | None:
    """The line that stands where a plate's province does: centred below, smaller, close."""
    box = bounding_box(region.quad)
    found = [other for other in others if other is not region and _is_below(box, region, other)]
    return min(found, key=lambda other: bounding_box(other.quad).y1, default=None)


def may_be_thai(line: Line) -> bool:
    """Whether the line ends in a group of digits behind something short, as a Thai number does."""
    series, digits = _parted(line.looks[0][0].line)
    return bool(digits) and 0 < len(series) <= _MOST_SERIES


def partial_reading(
    line: Line, below: Line | None, *, visible: Box, is_guess: bool
) -> PlateReading | None:
    """The digits of a Thai plate whose letters no network in use can read, or None.

    The line must look like a number (`may_be_thai`), and a line must stand below, or the ground of
    a plate around it. While guessing the letters and the line below must be such that a
    reader of Latin letters hesitates, and the digits stand apart as they do on Thai plates, or
    every plate with a motto would be Thai.
    """
    series, digits = _parted(line.looks[0][0].line)
    if not may_be_thai(line) or "".join(c.text for c in series) in everyday_words():
        return None
    if min(c.confidence for c in digits) < _LEAST_SURE:
        return None
    is_on_plate = below is not None or (line.ground is not None and line.ground.is_enclosed)
    if not is_on_plate:
        return None
    if is_guess and not (_stands_apart(line.looks[0][0].line) and _looks_foreign(series, below)):
        return None
    confidence = min(c.confidence for c in digits)
    return PlateReading(
        text="".join(c.text for c in digits),
        confidence=confidence,
        characters=digits,
        box=within(bounding_box(line.region.quad), visible),
        quad=line.region.quad,
        raw_text=line.raw_text,
        detector_score=line.region.score,
        region=REGION,
        region_certainty=None if is_guess else 1.0,
        is_partial=True,
    )


def with_province(reading: PlateReading, below: Line | None) -> PlateReading:
    """The reading with the province that the line below names, where it names one."""
    if below is None:
        return reading
    found = match_province(below.raw_text)
    return reading if found is None else replace(reading, province=found.province.name)


def _parted(
    text: TextLine,
) -> tuple[tuple[CharacterReading, ...], tuple[CharacterReading, ...]]:
    """Letters and digits of the series, and the last group of digits; empty where there is none.

    The number ends the line. It begins after a gap or letter; of more than four digits without a
    gap the first one belongs to the series.
    """
    characters = list(text.characters)
    while characters and not characters[-1].text.isalnum():
        characters.pop()
    start = len(characters)
    while start > 0 and characters[start - 1].text.isdigit():
        start -= 1
    start = max(start, len(characters) - _MOST_DIGITS)
    series = tuple(c for c in characters[:start] if not c.text.isspace())
    return series, tuple(characters[start:])


def _stands_apart(text: TextLine) -> bool:
    """Whether a gap or mark parts the last group of digits from what is before it."""
    return _APART.search(text.text) is not None


def _looks_foreign(series: Sequence[CharacterReading], below: Line | None) -> bool:
    if below is None or below.raw_confidence > _MOST_SURE_PROVINCE:
        return False
    return min(c.confidence for c in series) < _MOST_SURE_SERIES


def _is_below(box: Box, region: TextRegion, other: TextRegion) -> bool:
    below = bounding_box(other.quad)
    height, width = other.height / max(1.0, region.height), other.width / max(1.0, region.width)
    gap = (below.center[1] - box.center[1]) - (region.height + other.height) / 2
    return (
        _PROVINCE_HEIGHT[0] <= height <= _PROVINCE_HEIGHT[1]
        and _PROVINCE_WIDTH[0] <= width <= _PROVINCE_WIDTH[1]
        and box.x1 <= below.center[0] <= box.x2
        and -_MOST_GAP * other.height < gap < _MOST_GAP * other.height
        and below.center[1] > box.center[1]
    )
