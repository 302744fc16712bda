from __future__ import annotations

from dataclasses import replace

import pytest

from agent.pipeline.rules import (
    Candidate,
    Refusal,
    RuleSettings,
    SightingRules,
    is_time_to_report,
)
from vision.geometry import Box
from vision.reading import CharacterReading

SETTINGS = RuleSettings()
CAR = Candidate(
    text="WA56660",
    confidence=0.8,
    agreeing=3,
    is_sure=True,
    has_moved=True,
    first_seen_s=10.0,
    last_seen_s=12.0,
    first_box=Box.from_xywh(500, 100, 90, 24),
    box=Box.from_xywh(500, 300, 90, 24),
)
ELSEWHERE = Box.from_xywh(40, 60, 90, 24)


def _judge_after(reported: Candidate, later: Candidate) -> Refusal | None:
    rules = SightingRules(SETTINGS)
    rules.remember(reported)
    return rules.judge(later, later.last_seen_s)


def _at(candidate: Candidate, at_s: float) -> Candidate:
    return replace(candidate, first_seen_s=at_s, last_seen_s=at_s + 2.0)


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (CAR, None),
        (replace(CAR, confidence=0.49), Refusal.LOW_CONFIDENCE),
        (replace(CAR, agreeing=1, is_sure=False), Refusal.TOO_FEW_READINGS),
        (replace(CAR, agreeing=1, confidence=0.95), None),
        (replace(CAR, agreeing=1, confidence=0.99, text="BD68"), Refusal.TOO_FEW_READINGS),
        (replace(CAR, agreeing=0, confidence=0.99), Refusal.TOO_FEW_READINGS),
        (replace(CAR, agreeing=2, text="BD68"), None),
    ],
)
def test_thresholds_of_a_moving_plate(candidate: Candidate, expected: Refusal | None) -> None:
    assert SightingRules(SETTINGS).judge(candidate, 12.0) == expected


def test_a_still_needs_its_confidence_only() -> None:
    rules = SightingRules(SETTINGS)
    assert rules.judge_still(0.5) is None
    assert rules.judge_still(0.49) == Refusal.LOW_CONFIDENCE


def test_the_same_plate_within_the_cooldown_is_the_same_passage() -> None:
    assert _judge_after(CAR, _at(CAR, 12.0 + SETTINGS.cooldown_s)) == Refusal.SAME_PASSAGE
    assert _judge_after(CAR, _at(CAR, 12.1 + SETTINGS.cooldown_s)) is None


def _voted(candidate: Candidate, *, at: int, other: str, share: float) -> Candidate:
    """The candidate with an alternative at one place of its vote."""
    characters = [CharacterReading(text=c, confidence=0.8) for c in candidate.text]
    characters[at] = replace(characters[at], alternatives=((other, share),))
    return replace(candidate, characters=tuple(characters), is_sure=False)


@pytest.mark.parametrize("text", ["WA5666", "A56660", "WA56", "6660", "WA566660"])
def test_a_piece_of_it_is_the_same_passage(text: str) -> None:
    weak = replace(_at(CAR, 13.0), text=text, is_sure=False, agreeing=2)
    assert _judge_after(CAR, weak) == Refusal.SAME_PASSAGE


def test_two_sure_neighbours_are_two_vehicles() -> None:
    assert _judge_after(CAR, replace(_at(CAR, 13.0), text="WA56661")) is None


def test_neighbours_that_no_reading_mixed_up_are_two_vehicles() -> None:
    later = replace(_at(CAR, 20.0), text="WA56661", is_sure=False, agreeing=2)
    assert _judge_after(replace(CAR, is_sure=False), later) is None


def test_a_neighbour_at_a_contested_place_is_the_same_passage() -> None:
    later = replace(_at(CAR, 20.0), text="WA56600", is_sure=False)
    assert _judge_after(_voted(CAR, at=5, other="0", share=0.1), later) == Refusal.SAME_PASSAGE
    assert _judge_after(CAR, _voted(later, at=5, other="6", share=0.1)) == Refusal.SAME_PASSAGE
    assert _judge_after(_voted(CAR, at=5, other="0", share=0.01), later) is None
    assert _judge_after(_voted(CAR, at=4, other="0", share=0.3), later) is None


def test_a_single_neighbouring_reading_right_after_is_an_echo() -> None:
    echo = replace(CAR, text="WA56661", is_sure=False, agreeing=1, confidence=0.95)
    assert _judge_after(CAR, _at(echo, 14.0)) == Refusal.SAME_PASSAGE
    assert _judge_after(CAR, _at(echo, 14.1)) is None


def test_a_refused_neighbour_does_not_hide_the_next_one() -> None:
    rules = SightingRules(SETTINGS)
    rules.remember(CAR)
    echo = replace(_at(CAR, 13.0), text="WA5666", is_sure=False)
    assert rules.judge(echo, 15.0) == Refusal.SAME_PASSAGE
    rules.remember_refused(echo)
    own_text = replace(_at(CAR, 43.0), text="WA5666")
    assert rules.judge(own_text, 45.0) is None
    rules.remember_refused(_at(CAR, 41.0))
    assert rules.judge(_at(CAR, 70.0), 72.0) == Refusal.SAME_PASSAGE


def test_another_plate_is_another_passage() -> None:
    assert _judge_after(CAR, replace(_at(CAR, 13.0), text="KR12345")) is None


def test_being_seen_again_starts_the_cooldown_anew() -> None:
    rules = SightingRules(SETTINGS)
    rules.remember(CAR)
    rules.remember(_at(CAR, 35.0))
    assert rules.judge(_at(CAR, 60.0), 62.0) == Refusal.SAME_PASSAGE


def test_a_plate_that_never_moves_is_reported_once_in_a_long_time() -> None:
    parked = replace(CAR, has_moved=False)
    assert _judge_after(parked, _at(parked, 600.0)) == Refusal.STATIC_TEXT
    assert _judge_after(parked, _at(parked, 13.0 + SETTINGS.static_s)) is None


def test_a_parked_vehicle_that_leaves_is_a_sighting() -> None:
    assert _judge_after(replace(CAR, has_moved=False), _at(CAR, 600.0)) is None


def _setting_off(at_s: float) -> Candidate:
    return replace(_at(CAR, at_s), first_box=CAR.box.shifted(0, 40), box=ELSEWHERE)


def test_a_vehicle_that_waited_and_sets_off_is_the_same_passage() -> None:
    waited = replace(CAR, stands=True)
    assert _judge_after(waited, _setting_off(300.0)) == Refusal.SAME_PASSAGE
    assert _judge_after(waited, _setting_off(13.0 + SETTINGS.standing_s)) is None
    assert _judge_after(waited, replace(_setting_off(300.0), first_box=ELSEWHERE)) is None
    assert _judge_after(waited, replace(_setting_off(300.0), text="KR12345")) is None
    assert _judge_after(CAR, _setting_off(300.0)) is None


def test_a_vehicle_that_set_off_stands_no_more() -> None:
    rules = SightingRules(SETTINGS)
    rules.remember(replace(CAR, stands=True))
    rules.remember_refused(_setting_off(300.0))
    assert rules.judge(_setting_off(400.0), 402.0) is None


def test_a_static_text_elsewhere_is_another_one() -> None:
    parked = replace(CAR, has_moved=False)
    assert _judge_after(parked, replace(_at(parked, 600.0), box=ELSEWHERE)) is None
    shifted = replace(_at(parked, 600.0), box=parked.box.shifted(50, 0))
    assert _judge_after(parked, shifted) is None


def test_a_text_that_stays_while_its_region_goes_is_part_of_the_scene() -> None:
    sign = replace(CAR, has_moved=False, is_left_behind=True)
    assert SightingRules(SETTINGS).judge(sign, 12.0) == Refusal.STATIC_TEXT


def test_memory_is_bounded() -> None:
    rules = SightingRules(RuleSettings(remembered=2))
    for text in ("AAA1111", "BBB2222", "CCC3333"):
        rules.remember(replace(CAR, text=text))
    assert rules.judge(replace(CAR, text="AAA1111"), 13.0) is None
    assert rules.judge(replace(CAR, text="CCC3333"), 13.0) == Refusal.SAME_PASSAGE


@pytest.mark.parametrize(
    ("is_over", "is_sure", "stayed_s", "expected"),
    [
        (True, False, 0.0, True),
        (False, True, 2.9, False),
        (False, True, 3.0, True),
        (False, False, 14.9, False),
        (False, False, 15.0, True),
    ],
)
def test_when_a_passage_is_reported(
    is_over: bool, is_sure: bool, stayed_s: float, expected: bool
) -> None:
    candidate = replace(CAR, is_sure=is_sure)
    due = is_time_to_report(candidate, 10.0 + stayed_s, is_over=is_over, settings=SETTINGS)
    assert due is expected
