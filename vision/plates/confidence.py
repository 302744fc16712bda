"""How sure a reading is: a probability that the whole text is right. Knows no picture.

A logistic regression (Cox 1958) on what the looks at a line leave open, as Platt (1999) calibrates
scores of classifiers. Its weights and what they were fitted on are in `calibration.toml`.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Protocol

from vision.plates.weighing import Candidate
from vision.reading import CharacterReading

_LEAST, _MOST = 0.005, 0.995


class Certainty(Protocol):
    """Says how likely a candidate's text is right."""

    def probability(self, candidate: Candidate) -> float:
        """0..1; the same for the same candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Weights of the three measures, and the constant.

    `share` and `least` count as log odds, `energy` as it is.
    """

    constant: float
    share: float
    least: float
    energy: float

    def probability(self, candidate: Candidate) -> float:
        """That the candidate's text is right, 0..1; more share, more certain characters and less
        energy never make it smaller."""
        share, least, energy = measures(candidate)
        odds = self.constant + self.share * share + self.least * least + self.energy * energy
        return 1.0 / (1.0 + math.exp(-odds))


def measures(candidate: Candidate) -> tuple[float, float, float]:
    """Log odds of the candidate's share of all weight and of its least certain character as read,
    and its energy."""
    return _log_odds(candidate.share), _log_odds(candidate.fit.least_certain), candidate.energy


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The fitted one."""
    text = resources.files("vision.plates").joinpath("calibration.toml").read_text("utf-8")
    weights = tomllib.loads(text)["weights"]
    return Calibration(
        constant=weights["constant"],
        share=weights["share"],
        least=weights["least"],
        energy=weights["energy"],
    )


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


def _log_odds(share: float) -> float:
    clipped = min(_MOST, max(_LEAST, share))
    return math.log(clipped / (1.0 - clipped))
