"""Confidence grows with what speaks for a text, and the least certain character carries it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vision.plates.cheapest import cheapest_fit
from vision.plates.confidence import as_sure_as, calibration
from vision.plates.formats import formats_of
from vision.plates.surroundings import Ground
from vision.plates.weighing import NATS_PER_COST, Candidate
from vision.reading import CharacterReading

unit = st.floats(0.0, 1.0)
distance = st.one_of(st.none(), st.floats(0.0, 1.6))


def candidate(share: float, least: float, energy: float) -> Candidate:
    characters = [CharacterReading(text=c, confidence=least) for c in "RK755AJ"]
    fit = cheapest_fit(characters, formats_of(["sk"]))
    assert fit is not None
    return Candidate(fit=fit, energy=energy, share=share)


@settings(deadline=None)
@given(unit, unit, st.floats(0, 4), unit, unit, st.floats(0, 4))
def test_nothing_that_speaks_for_a_text_makes_it_less_sure(
    share: float, least: float, energy: float, share_2: float, least_2: float, energy_2: float
) -> None:
    worse = candidate(min(share, share_2), min(least, least_2), max(energy, energy_2))
    better = candidate(max(share, share_2), max(least, least_2), min(energy, energy_2))
    of_text = calibration().of_text
    assert 0 < of_text(worse) <= of_text(better) < 1


@settings(deadline=None)
@given(st.tuples(distance, distance, distance, distance), st.booleans(), st.booleans())
def test_ground_that_reaches_further_never_makes_a_plate_likelier(
    ends: tuple[float | None, ...], is_dark: bool, is_guess: bool
) -> None:
    near, far = sorted(ends[:2], key=lambda end: 9.0 if end is None else end)
    grounds = [
        Ground(above=end, below=end, left=ends[2], right=ends[3], is_dark=is_dark)
        for end in (far, near)
    ]
    of_plate, one = calibration().of_plate, candidate(1.0, 1.0, 0.0)
    worse, better = (of_plate(one, ground, is_guess=is_guess) for ground in grounds)
    assert 0 < worse <= better < 1


def test_a_plain_reading_is_sure_and_a_contested_one_is_not() -> None:
    of_text = calibration().of_text
    assert of_text(candidate(1.0, 1.0, 0.0)) > 0.9
    assert of_text(candidate(0.3, 0.4, 2.0)) < 0.5


def test_a_text_whose_ground_ends_is_a_plate_and_light_words_on_a_wall_are_none() -> None:
    of_plate, one = calibration().of_plate, candidate(1.0, 1.0, 0.0)
    plate = Ground(above=0.1, below=0.1, left=0.0, right=0.2)
    wall = Ground(above=None, below=None, left=None, right=None, is_dark=True)
    assert of_plate(one, plate, is_guess=True) > 0.9
    assert of_plate(one, None, is_guess=True) > 0.9
    assert of_plate(one, wall, is_guess=True) < 0.1


def test_a_rare_format_says_nothing_against_a_text() -> None:
    characters = [CharacterReading(text=c, confidence=0.9) for c in "ABC123"]
    rare = next(f for f in formats_of(["us"]) if f.is_rare and f.slots == "LLL*DDD")
    fit = cheapest_fit(characters, [rare])
    assert fit is not None
    energy = NATS_PER_COST * fit.cost
    assert Candidate(fit=fit, energy=energy, share=1.0).strain == pytest.approx(0.3)


def test_a_strip_makes_a_plate_of_what_might_be_a_sign_where_its_country_has_one() -> None:
    of_plate, one = calibration().of_plate, candidate(1.0, 1.0, 0.0)
    ends: dict[str, float | None] = {"above": 1.0, "below": 0.1, "left": None, "right": None}
    without = Ground(**ends, is_dark=True)
    strip = Ground(**ends, is_dark=True, has_strip=True)
    assert of_plate(one, without, is_guess=True) < 0.1
    assert of_plate(one, strip, is_guess=True) > 0.9
    characters = [CharacterReading(text=c, confidence=1.0) for c in "ABC123"]
    fit = cheapest_fit(characters, [f for f in formats_of(["us"]) if f.slots == "LLL*DDD"])
    assert fit is not None
    american = Candidate(fit=fit, energy=0.0, share=1.0)
    assert of_plate(american, strip, is_guess=True) == of_plate(american, without, is_guess=True)


@pytest.mark.parametrize(
    ("text", "slots", "is_told"),
    [("WSQ3021", "LLL*DDDD", False), ("RK755AJ", "LL*DDDLL", True)],
)
def test_dark_ground_speaks_against_plates_that_have_none(
    text: str, slots: str, is_told: bool
) -> None:
    formats = [f for f in formats_of(["pl", "sk"]) if f.slots == slots]
    fit = cheapest_fit([CharacterReading(text=c, confidence=1.0) for c in text], formats)
    assert fit is not None
    one = Candidate(fit=fit, energy=0.0, share=1.0)
    light, dark = (
        Ground(above=0.1, below=0.1, left=0.0, right=0.2, is_dark=is_dark)
        for is_dark in (False, True)
    )
    of_plate = calibration().of_plate
    known, guessed = (
        of_plate(one, light, is_guess=is_guess) - of_plate(one, dark, is_guess=is_guess)
        for is_guess in (False, True)
    )
    assert (known > 0) is is_told
    assert guessed > 0


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
