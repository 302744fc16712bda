"""Whether a line of text is a plate, from what its looks allow. Knows no picture, asks no network.

Reasons of refusal are stable words: `empty`, `format` (fits no expected format), `everyday` (the
words of a sign), `unsure` (below the floor of confidence), `surroundings` (below it because of the
ground that the text stands on).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from vision.geometry import Box
from vision.plates.confidence import Certainty, as_sure_as
from vision.plates.formats import PlateFormat, everyday_words
from vision.plates.gates import aspect_of, bounding_box, formats_for, narrow_formats_for
from vision.plates.hypotheses import Hypothesis
from vision.plates.surroundings import Ground
from vision.plates.text_regions import TextRegion
from vision.plates.weighing import Weighed, weigh
from vision.reading import PlateReading, RefusedReading

LEAST_CONFIDENCE = 0.5
"""Below it a text is not emitted."""

_WORD_AND_NUMBER = re.compile(r"(?P<before>[A-Z]+)\d*[A-Z]?|\d+(?P<behind>[A-Z]+)")
_CLEAR_ENERGY, _CLEAR_SHARE = 0.35, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of text in a picture: where it is, the ground it stands on (None: not to be told from
    the text) and what each look at it may say. `others` are further detections of it. Where it is
    two lines, one above the other, `break_after` is how many characters the upper one has.
    """

    region: TextRegion
    looks: tuple[tuple[Hypothesis, ...], ...]
    ground: Ground | None = None
    others: tuple[TextRegion, ...] = ()
    break_after: int | None = None

    @property
    def aspect(self) -> float:
        """Its width by its height, the mean of all detections: each is off by some pixels."""
        return fmean(aspect_of(region) for region in (self.region, *self.others))

    @property
    def raw_text(self) -> str:
        """What the first look says, marks included."""
        return self.looks[0][0].line.text

    @property
    def raw_confidence(self) -> float:
        """Of its least certain letter or digit; 0 where there is none."""
        characters = self.looks[0][0].line.characters
        return min((c.confidence for c in characters if c.text.isalnum()), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What may be read: the formats, whether they are a guess, and the floor.

    Where the line stands on a plate's ground, `narrow` formats are tried if its characters are too
    narrow for a sign's, and `personal` ones if no other fits.
    """

    formats: tuple[PlateFormat, ...]
    narrow: tuple[PlateFormat, ...] = ()
    personal: tuple[PlateFormat, ...] = ()
    is_guess: bool
    least_confidence: float = LEAST_CONFIDENCE

    def weigh(self, line: Line) -> Weighed | None:
        if line.break_after is not None:
            common = (entry for entry in self.formats if not entry.is_rare)
            broken = tuple(entry for entry in common if line.break_after in entry.gaps)
            return weigh(line.looks, broken, is_guess=True)
        is_enclosed = line.ground is not None and line.ground.is_enclosed
        formats = formats_for(line.aspect, self.formats)
        if is_enclosed:
            formats += narrow_formats_for(line.aspect, self.narrow)
        found = weigh(line.looks, formats, is_guess=self.is_guess)
        if found is None and is_enclosed:
            formats = formats_for(line.aspect, self.personal)
            found = weigh(line.looks, formats, is_guess=self.is_guess)
        return found


def is_clear(weighed: Weighed) -> bool:
    """Whether further looks at the line would hardly change the answer."""
    return weighed.best.energy < _CLEAR_ENERGY and weighed.best.share > _CLEAR_SHARE


def judge(
    line: Line, expected: Expected, certainty: Certainty, *, visible: Box
) -> PlateReading | RefusedReading:
    """The plate that a line is, or why it is none.

    `visible` is the part of the picture that was searched: no box reaches beyond it.
    """
    if not line.raw_text:
        return refused(line, "empty")
    weighed = expected.weigh(line)
    if weighed is None:
        return refused(line, "format")
    best = weighed.best
    if expected.is_guess and _is_everyday(best.fit.text):
        return refused(line, "everyday")
    sure = certainty.of_text(best)
    confidence = sure * certainty.of_plate(best, line.ground, is_guess=expected.is_guess)
    if confidence < expected.least_confidence:
        reason = "unsure" if sure < expected.least_confidence else "surroundings"
        return refused(line, reason, confidence)
    region, share = _region(weighed, expected.formats)
    return PlateReading(
        text=best.fit.text,
        confidence=confidence,
        characters=as_sure_as(best.fit.kept, confidence),
        box=within(bounding_box(line.region.quad), visible),
        quad=line.region.quad,
        raw_text=line.raw_text,
        detector_score=line.region.score,
        region=region,
        region_certainty=share,
        region_format=best.fit.format.name,
    )


def refused(line: Line, reason: str, confidence: float | None = None) -> RefusedReading:
    return RefusedReading(
        raw_text=line.raw_text,
        confidence=line.raw_confidence if confidence is None else confidence,
        box=bounding_box(line.region.quad),
        reason=reason,
    )


def within(box: Box, visible: Box) -> Box:
    return Box(
        x1=max(box.x1, visible.x1),
        y1=max(box.y1, visible.y1),
        x2=min(box.x2, visible.x2),
        y2=min(box.y2, visible.y2),
    )


def _is_everyday(text: str) -> bool:
    """Whether it is a word of a sign with a number, which may have a unit of one letter."""
    found = _WORD_AND_NUMBER.fullmatch(text)
    return found is not None and (found["before"] or found["behind"]) in everyday_words()


def _region(weighed: Weighed, formats: Sequence[PlateFormat]) -> tuple[str | None, float | None]:
    """The likeliest region, or None where two are as likely; and how likely it is."""
    (region, share), *others = weighed.regions
    if len({entry.region for entry in formats}) == 1:
        return region, 1.0
    is_tie = bool(others) and others[0][1] >= share - 1e-9
    return (None if is_tie else region), share
