"""Confidence grows with what speaks for a text, and the least certain character carries it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.plates.confidence import as_sure_as, calibration
from vision.plates.formats import formats_of
from vision.plates.grammar import best_fit
from vision.plates.weighing import Candidate
from vision.reading import CharacterReading

unit = st.floats(0.0, 1.0)


def candidate(share: float, least: float, energy: float) -> Candidate:
    characters = [CharacterReading(text=c, confidence=least) for c in "RK755AJ"]
    fit = best_fit(characters, formats_of(["sk"]))
    assert fit is not None
    return Candidate(fit=fit, energy=energy, share=share)


@given(unit, unit, st.floats(0, 4), unit, unit, st.floats(0, 4))
def test_nothing_that_speaks_for_a_text_makes_it_less_sure(
    share: float, least: float, energy: float, share_2: float, least_2: float, energy_2: float
) -> None:
    worse = candidate(min(share, share_2), min(least, least_2), max(energy, energy_2))
    better = candidate(max(share, share_2), max(least, least_2), min(energy, energy_2))
    probability = calibration().probability
    assert 0 < probability(worse) <= probability(better) < 1


def test_a_plain_reading_is_sure_and_a_contested_one_is_not() -> None:
    probability = calibration().probability
    assert probability(candidate(1.0, 1.0, 0.0)) > 0.9
    assert probability(candidate(0.3, 0.4, 2.0)) < 0.5


@given(st.lists(unit, min_size=1, max_size=9), st.floats(0.01, 0.99))
def test_the_least_certain_character_gets_the_probability_and_order_stays(
    read: list[float], probability: float
) -> None:
    characters = tuple(
        CharacterReading(text="A", confidence=c, alternatives=(("B", (1 - c) / 2),)) for c in read
    )
    found = [c.confidence for c in as_sure_as(characters, probability)]
    assert min(found) == pytest.approx(probability)
    assert max(found) <= 1 + 1e-9
    for i, one in enumerate(read):
        for j, other in enumerate(read):
            assert one > other or found[i] <= found[j] + 1e-9
    for character in as_sure_as(characters, probability):
        assert sum(share for _, share in character.alternatives) <= 1 - character.confidence + 1e-9
