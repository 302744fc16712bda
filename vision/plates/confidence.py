"""How sure a reading is: a probability that a line is a plate and its whole text right.

Knows no picture. Two logistic regressions (Cox 1958), as Platt (1999) calibrates scores of
classifiers: of the text, on what the looks at a line leave open; of its being a plate at all, on
the ground that it stands on, and on how well it fits. Their weights and what they were fitted on
are in `calibration.toml`.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Protocol

from vision.plates.surroundings import Ground
from vision.plates.weighing import Candidate
from vision.reading import CharacterReading

_LEAST, _MOST = 0.005, 0.995
_NO_GROUND = Ground(above=0.0, below=0.0, left=0.0, right=0.0)


class Certainty(Protocol):
    """Says how likely a candidate's text is right, and its line a plate; both 0..1."""

    def of_text(self, candidate: Candidate) -> float:
        """That the text is right where the line is a plate; the same for the same candidate."""

    def of_plate(self, candidate: Candidate, ground: Ground | None, *, is_guess: bool) -> float:
        """That the line is a plate. `ground` None: it cannot be told from the text, or was not
        looked at; `is_guess`: the regions are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWeights:
    """Of the measures of a text, and the constant. `share` and `least` (its least certain
    character) count as log odds, `strain` as it is."""

    constant: float
    share: float
    least: float
    strain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateWeights:
    """Of the measures of a line, and the constant. `across` and `along` are how close its ground
    ends, `dark` counts for one darker than the text; `strain` as of the text, while regions are
    guessed with the price of a rare format."""

    constant: float
    across: float
    along: float
    dark: float
    strain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Fitted weights; see `Certainty`."""

    text: TextWeights
    plate: PlateWeights

    def of_text(self, candidate: Candidate) -> float:
        """More share, more certain characters and less strain never make it smaller."""
        share, least, strain = text_measures(candidate)
        weights = self.text
        return _logistic(
            weights.constant
            + weights.share * share
            + weights.least * least
            + weights.strain * strain
        )

    def of_plate(self, candidate: Candidate, ground: Ground | None, *, is_guess: bool) -> float:
        """Ground that ends sooner, and less strain, never make it smaller."""
        across, along, dark, strain = plate_measures(candidate, ground, is_guess=is_guess)
        weights = self.plate
        return _logistic(
            weights.constant
            + weights.across * across
            + weights.along * along
            + weights.dark * dark
            + weights.strain * strain
        )


def text_measures(candidate: Candidate) -> tuple[float, float, float]:
    """Log odds of the candidate's share of all weight and of its least certain character as read,
    and its strain."""
    return _log_odds(candidate.share), _log_odds(candidate.fit.least_certain), candidate.strain


def plate_measures(
    candidate: Candidate, ground: Ground | None, *, is_guess: bool
) -> tuple[float, float, float, float]:
    """How close the ground ends across and along the text, whether it is dark though plates of that
    format are not, and the candidate's strain. While guessing any dark ground counts, and a rare
    format's price: each format more is one more chance for any text to fit. A strip at the left, of
    a country whose plates have one, is where a plate ends, and no board's, be its ground dark."""
    known, expected = ground or _NO_GROUND, candidate.fit.format
    has_strip = known.has_strip and bool(expected.strips)
    is_odd = known.is_dark and not has_strip and (is_guess or not expected.may_be_dark)
    along = 1.0 if has_strip else known.along
    strain = candidate.energy if is_guess else candidate.strain
    return known.across, along, float(is_odd), strain


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The fitted one."""
    content = resources.files("vision.plates").joinpath("calibration.toml").read_text("utf-8")
    weights = tomllib.loads(content)
    return Calibration(text=TextWeights(**weights["text"]), plate=PlateWeights(**weights["plate"]))


def as_sure_as(
    characters: tuple[CharacterReading, ...], probability: float
) -> tuple[CharacterReading, ...]:
    """The characters with the least certain one at `probability` and the others as far above it as
    they were read; alternatives share out what is left in their old proportions."""
    least = min(character.confidence for character in characters)
    room = max(1e-6, 1.0 - least)
    return tuple(
        _scaled(character, probability + (1 - probability) * (character.confidence - least) / room)
        for character in characters
    )


def _scaled(character: CharacterReading, confidence: float) -> CharacterReading:
    others = math.fsum(share for _, share in character.alternatives)
    left = min(1.0 - confidence, confidence)
    ratio = min(1.0, left / others) if others > 0 else 0.0
    return CharacterReading(
        text=character.text,
        confidence=confidence,
        alternatives=tuple((text, share * ratio) for text, share in character.alternatives),
    )


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))


def _log_odds(share: float) -> float:
    clipped = min(_MOST, max(_LEAST, share))
    return math.log(clipped / (1.0 - clipped))
