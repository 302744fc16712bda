from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pipeline.consensus import ConsensusSettings, agree
from vision.geometry import Box
from vision.reading import CharacterReading, PlateReading

TEXTS = st.text(alphabet="ABCDEFGH0123456789", min_size=4, max_size=9)
CONFIDENCES = st.floats(0.3, 1.0)


def _reading(
    text: str,
    confidence: float = 0.9,
    *,
    region: str | None = None,
    width: float = 120,
    vehicle: str | None = None,
    doubtful: dict[int, tuple[float, str, float]] | None = None,
) -> PlateReading:
    """`doubtful`: position -> (confidence, alternative, its probability)."""
    characters = []
    for position, character in enumerate(text):
        own, other, chance = (doubtful or {}).get(position, (confidence, "", 0.0))
        alternatives = ((other, chance),) if other else ()
        characters.append(
            CharacterReading(text=character, confidence=own, alternatives=alternatives)
        )
    return PlateReading(
        text=text,
        confidence=min(c.confidence for c in characters),
        characters=tuple(characters),
        box=Box.from_xywh(0, 0, width, 30),
        quad=((0, 0), (width, 0), (width, 30), (0, 30)),
        raw_text=text,
        detector_score=0.9,
        region=region,
        vehicle=vehicle,
        region_format=None if region is None else f"{region}-plain",
    )


def _agree(*readings: PlateReading) -> str:
    return agree(readings, ConsensusSettings()).text


@given(TEXTS, st.lists(CONFIDENCES, min_size=1, max_size=8))
def test_readings_that_agree_are_the_answer(text: str, confidences: list[float]) -> None:
    consensus = agree([_reading(text, c) for c in confidences], ConsensusSettings())
    assert consensus.text == text
    assert consensus.agreeing == len(confidences)
    assert min(confidences) - 1e-9 <= consensus.confidence <= max(confidences) + 1e-9


@given(
    st.lists(st.tuples(TEXTS, CONFIDENCES, st.booleans()), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_vote_does_not_depend_on_the_order(
    entries: list[tuple[str, float, bool]], shuffle: random.Random
) -> None:
    readings = [_reading(t, c, region="eu" if fits else None) for t, c, fits in entries]
    mixed = list(readings)
    shuffle.shuffle(mixed)
    one, other = agree(readings, ConsensusSettings()), agree(mixed, ConsensusSettings())
    assert (one.text, one.agreeing, one.is_sure) == (other.text, other.agreeing, other.is_sure)
    assert one.confidence == pytest.approx(other.confidence)


@given(st.lists(st.tuples(TEXTS, CONFIDENCES), min_size=1, max_size=8))
def test_any_readings_give_a_sound_answer(entries: list[tuple[str, float]]) -> None:
    readings = [_reading(text, confidence) for text, confidence in entries]
    consensus = agree(readings, ConsensusSettings())
    assert 0.0 <= consensus.confidence <= 1.0
    assert "".join(c.text for c in consensus.characters) == consensus.text
    assert len(consensus.text) <= max(len(text) for text, _ in entries) + 1
    assert sorted(consensus.ranking + consensus.outliers) == list(range(len(readings)))
    assert consensus.agreeing == sum(r.text == consensus.text for r in readings)


@given(TEXTS, st.integers(0, 8), st.sampled_from("XYZ"))
def test_two_outvote_one_at_any_position(text: str, position: int, wrong: str) -> None:
    at = position % len(text)
    misread = text[:at] + wrong + text[at + 1 :]
    assert _agree(_reading(text), _reading(misread), _reading(text)) == text


@given(TEXTS, st.integers(0, 8))
def test_a_lost_character_is_voted_back_in(text: str, position: int) -> None:
    at = position % len(text)
    shorter = text[:at] + text[at + 1 :]
    assert _agree(_reading(shorter), _reading(text), _reading(text)) == text


@given(TEXTS, st.integers(0, 9))
def test_a_character_too_many_is_voted_out(text: str, position: int) -> None:
    at = position % (len(text) + 1)
    longer = text[:at] + "X" + text[at:]
    assert _agree(_reading(longer), _reading(text), _reading(text)) == text


def test_three_different_mistakes_give_the_text_nobody_read() -> None:
    consensus = agree(
        [_reading("XB1234"), _reading("AX1234"), _reading("AB12X4")], ConsensusSettings()
    )
    assert consensus.text == "AB1234"
    assert consensus.agreeing == 0
    assert consensus.region is None


def test_a_confident_reading_outweighs_two_guesses() -> None:
    assert _agree(_reading("AB1234", 0.98), _reading("AB1284", 0.4), _reading("AB1284", 0.4)) == (
        "AB1234"
    )


def test_what_fits_a_format_weighs_more() -> None:
    assert _agree(_reading("AB1234", 0.8, region="eu"), _reading("AB12B4", 0.8)) == "AB1234"


def test_alternatives_count() -> None:
    unsure = {4: (0.5, "8", 0.48)}
    consensus = agree(
        [_reading("AB1234", doubtful=unsure), _reading("AB1284", 0.6)], ConsensusSettings()
    )
    assert consensus.text == "AB1284"
    assert consensus.characters[4].alternatives[0][0] == "3"


def test_confidence_is_that_of_the_least_certain_character() -> None:
    consensus = agree([_reading("AB1234", doubtful={2: (0.6, "", 0.0)})], ConsensusSettings())
    assert consensus.confidence == pytest.approx(0.6)


def test_an_outlier_neither_votes_nor_witnesses() -> None:
    consensus = agree(
        [_reading("AB1234"), _reading("QQQQQQQ", 0.99), _reading("AB1234")], ConsensusSettings()
    )
    assert consensus.text == "AB1234"
    assert consensus.outliers == (1,)
    assert consensus.confidence == pytest.approx(0.9)


def test_the_best_witness_says_the_text_itself() -> None:
    readings = [_reading("AB1234", 0.8), _reading("AB12X4", 0.99), _reading("AB1234", 0.9)]
    assert agree(readings, ConsensusSettings()).ranking == (2, 0, 1)


def test_region_comes_from_a_reading_with_this_text() -> None:
    consensus = agree(
        [_reading("AB1234"), _reading("AB1234", 0.7, region="eu")], ConsensusSettings()
    )
    assert (consensus.region, consensus.region_format) == ("eu", "eu-plain")


def test_it_is_sure_only_when_enough_agree_clearly() -> None:
    settings = ConsensusSettings()
    good, weak = _reading("AB1234", 0.95), _reading("AB1234", 0.6)
    dissent = _reading("AB1284", 0.95)
    assert agree([good] * 3, settings).is_sure
    assert not agree([good] * 2, settings).is_sure
    assert not agree([weak] * 5, settings).is_sure
    assert not agree([good] * 3 + [dissent] * 2, settings).is_sure


def test_no_reading_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one reading"):
        agree([], ConsensusSettings())


def test_a_sharp_reading_outweighs_a_blurred_one() -> None:
    readings = [_reading("AB1234", 0.9), _reading("AB1284", 0.9)]
    for sharpness, text in (([2.0, 0.6], "AB1234"), ([0.6, 2.0], "AB1284")):
        consensus = agree(readings, ConsensusSettings(), sharpness)
        assert consensus.text == text
        assert readings[consensus.ranking[0]].text == text


def test_a_blurred_reading_still_has_a_voice() -> None:
    readings = [_reading("AB1234", 0.95)] + [_reading("AB1284", 0.9)] * 5
    assert agree(readings, ConsensusSettings(), [1.0] + [0.0] * 5).text == "AB1284"


@given(
    st.lists(st.tuples(TEXTS, CONFIDENCES, st.floats(0.0, 5.0)), min_size=1, max_size=8),
    st.floats(0.1, 10.0),
)
def test_only_the_ratios_of_sharpness_count(
    entries: list[tuple[str, float, float]], factor: float
) -> None:
    readings = [_reading(text, confidence) for text, confidence, _ in entries]
    given_ones = [sharp for _, _, sharp in entries]
    one = agree(readings, ConsensusSettings(), given_ones)
    other = agree(readings, ConsensusSettings(), [factor * sharp for sharp in given_ones])
    plain = agree(readings, ConsensusSettings())
    alike = agree(readings, ConsensusSettings(), [factor] * len(readings))
    assert (one.text, one.is_sure) == (other.text, other.is_sure)
    assert alike == plain


@given(st.lists(st.tuples(TEXTS, CONFIDENCES), min_size=2, max_size=6), st.integers(0, 5))
def test_one_more_reading_of_the_answer_never_changes_it(
    entries: list[tuple[str, float]], again: int
) -> None:
    readings = [_reading(text, confidence) for text, confidence in entries]
    consensus = agree(readings, ConsensusSettings())
    witnesses = [reading for reading in readings if reading.text == consensus.text]
    if witnesses:
        more = [*readings, witnesses[again % len(witnesses)]]
        assert agree(more, ConsensusSettings()).text == consensus.text


def test_the_vehicle_is_what_most_of_the_weight_calls_it() -> None:
    readings = [
        _reading("AB1234", 0.9, vehicle="car"),
        _reading("AB1234", 0.5, vehicle="van"),
        _reading("AB1234", 0.9),
    ]
    assert agree(readings, ConsensusSettings()).vehicle == "car"
    assert agree(readings[2:], ConsensusSettings()).vehicle is None
