"""One text from the several readings of a passage, by a vote on each character. Values only.

The texts are laid along the one that is most like all others, and each place is voted on (as
recognisers are combined in ROVER: Fiscus, "A post-processing system to yield reduced word error
rates", ASRU 1997).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from agent.pipeline.alignment import align, are_alike, likeness
from vision.reading import CharacterReading, PlateReading
from vision.spelling import edit_distance

_ABSENT = ""
_LEAST_WEIGHT = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusSettings:
    """What counts how much, and when it is enough.

    A reading weighs its confidence squared, times `format_weight` where it fits a country's
    format, times its plate's width over `full_width_px` where that is less than 1, times its
    sharpness against that of the sharpest, but at least `blurred_weight`. The answer is
    sure when at least `sure_readings` readings say exactly it, they carry `sure_share` of all
    weight, and its least certain character reaches `sure_confidence`.
    """

    format_weight: float = 1.5
    full_width_px: float = 90.0
    blurred_weight: float = 0.25
    sure_readings: int = 3
    sure_share: float = 0.75
    sure_confidence: float = 0.8
    max_alternatives: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Consensus:
    """What the readings say together.

    `confidence` is that of the least certain character, 0..1. `agreeing` counts the readings with
    exactly this text. `ranking` orders the given readings (by position), the best witness of the
    text first. `outliers` are those too unlike the rest to vote. `vehicle` is what most of
    the weight calls the vehicle that carries it.
    """

    text: str
    confidence: float
    characters: tuple[CharacterReading, ...]
    agreeing: int
    ranking: tuple[int, ...]
    outliers: tuple[int, ...]
    region: str | None
    region_certainty: float | None
    region_format: str | None
    is_partial: bool
    province: str | None
    is_sure: bool
    vehicle: str | None = None


def agree(
    readings: Sequence[PlateReading],
    settings: ConsensusSettings,
    sharpness: Sequence[float] | None = None,
) -> Consensus:
    """The vote; independent of the order of `readings`, of which there is at least one.

    `sharpness` is that of each reading's plate, on any scale; without it all count as sharp.
    """
    if not readings:
        raise ValueError("a consensus needs at least one reading, got none")
    sharpest = max(sharpness, default=0.0) if sharpness is not None else 0.0
    shares = [1.0] * len(readings)
    if sharpness is not None and sharpest > 0:
        shares = [max(settings.blurred_weight, each / sharpest) for each in sharpness]
    weights = [
        _weight(reading, settings, share) for reading, share in zip(readings, shares, strict=True)
    ]
    pivot = _most_typical(readings, weights)
    voters = [i for i, r in enumerate(readings) if are_alike(r.text, pivot)]
    total = math.fsum(weights[i] for i in voters)
    slots = _Slots(pivot)
    for index in voters:
        slots.vote(readings[index], weights[index])
    characters = tuple(
        character for votes in slots.in_order() for character in _decided(votes, total, settings)
    )
    text = "".join(character.text for character in characters)
    agreeing = [i for i in voters if readings[i].text == text]
    ranking = sorted(voters, key=lambda i: _rank(readings[i], weights[i], text))
    confidence = min((character.confidence for character in characters), default=0.0)
    heard = math.fsum(weights)
    origin = _origin([readings[i] for i in ranking], text)
    return Consensus(
        text=text,
        confidence=confidence,
        characters=characters,
        agreeing=len(agreeing),
        ranking=tuple(ranking),
        outliers=tuple(i for i in range(len(readings)) if i not in set(voters)),
        region=None if origin is None else origin.region,
        region_certainty=None if origin is None else origin.region_certainty,
        region_format=None if origin is None else origin.region_format,
        is_partial=origin is not None and origin.is_partial,
        province=None if origin is None else origin.province,
        is_sure=(
            len(agreeing) >= settings.sure_readings
            and math.fsum(weights[i] for i in agreeing) >= settings.sure_share * heard
            and confidence >= settings.sure_confidence
        ),
        vehicle=_vehicle([readings[i] for i in voters], [weights[i] for i in voters]),
    )


class _Slots:
    """Votes for each place of the pivot text, and for what readings put in between."""

    def __init__(self, pivot: str) -> None:
        self._pivot = pivot
        self._places: list[dict[str, list[float]]] = [defaultdict(list) for _ in pivot]
        self._between: dict[tuple[int, int], dict[str, list[float]]] = {}

    def vote(self, reading: PlateReading, weight: float) -> None:
        characters = _characters(reading)
        place, extra = 0, 0
        for at, own in align(self._pivot, reading.text):
            if at is None and own is not None:
                votes = self._between.setdefault((place, extra), defaultdict(list))
                _cast(votes, characters[own], weight)
                extra += 1
                continue
            if own is None:
                self._places[place][_ABSENT].append(weight * reading.confidence)
            else:
                _cast(self._places[place], characters[own], weight)
            place, extra = place + 1, 0

    def in_order(self) -> list[tuple[dict[str, list[float]], bool]]:
        """Votes by place, with whether the place is one of the pivot's own."""
        ordered: list[tuple[dict[str, list[float]], bool]] = []
        for place in range(len(self._pivot) + 1):
            between = sorted(key for key in self._between if key[0] == place)
            ordered.extend((self._between[key], False) for key in between)
            if place < len(self._pivot):
                ordered.append((self._places[place], True))
        return ordered


def _decided(
    slot: tuple[dict[str, list[float]], bool], total: float, settings: ConsensusSettings
) -> list[CharacterReading]:
    """The winner of one place, or nothing where most saw no character there."""
    votes, is_own = slot
    shares = {text: min(1.0, math.fsum(cast) / total) for text, cast in votes.items()}
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    best = ordered[0]
    if best[0] == _ABSENT or (not is_own and best[1] <= 0.5):
        return []
    others = tuple(item for item in ordered[1:] if item[0] != _ABSENT and item[1] >= 0.005)
    return [
        CharacterReading(
            text=best[0], confidence=best[1], alternatives=others[: settings.max_alternatives]
        )
    ]


def _cast(votes: dict[str, list[float]], character: CharacterReading, weight: float) -> None:
    votes[character.text].append(weight * character.confidence)
    for text, probability in character.alternatives:
        if text and text != character.text:
            votes[text].append(weight * probability)


def _characters(reading: PlateReading) -> tuple[CharacterReading, ...]:
    """One entry for each character of `text`, also where a reader gives none for them."""
    if tuple(character.text for character in reading.characters) == tuple(reading.text):
        return reading.characters
    return tuple(
        CharacterReading(text=text, confidence=reading.confidence) for text in reading.text
    )


def _vehicle(readings: Sequence[PlateReading], weights: Sequence[float]) -> str | None:
    heard: dict[str, float] = defaultdict(float)
    for reading, weight in zip(readings, weights, strict=True):
        if reading.vehicle is not None:
            heard[reading.vehicle] += weight
    return max(sorted(heard), key=lambda vehicle: heard[vehicle], default=None)


def _weight(reading: PlateReading, settings: ConsensusSettings, sharp_share: float) -> float:
    fit = settings.format_weight if reading.region is not None else 1.0
    size = min(1.0, reading.box.width / settings.full_width_px)
    return max(_LEAST_WEIGHT, reading.confidence**2 * fit * size * sharp_share)


def _most_typical(readings: Sequence[PlateReading], weights: Sequence[float]) -> str:
    """The text most like all others, weighed (a medoid)."""
    by_text: dict[str, list[float]] = defaultdict(list)
    for reading, weight in zip(readings, weights, strict=True):
        by_text[reading.text].append(weight)
    heard = {text: math.fsum(cast) for text, cast in by_text.items()}
    return max(
        heard,
        key=lambda text: (
            round(math.fsum(likeness(text, other) * heard[other] for other in heard), 9),
            round(heard[text], 9),
            text,
        ),
    )


def _rank(reading: PlateReading, weight: float, text: str) -> tuple[int, float, float]:
    return edit_distance(reading.text, text), -weight, -reading.box.width


def _origin(best_first: Sequence[PlateReading], text: str) -> PlateReading | None:
    """The best reading with this very text whose region is known, or else the best with it; a text
    that only the vote gave has none."""
    saying = [reading for reading in best_first if reading.text == text]
    return next((r for r in saying if r.region is not None), saying[0] if saying else None)
