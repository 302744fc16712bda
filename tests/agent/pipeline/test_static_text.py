"""What belongs to the scene is known again, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pipeline.static_text import StaticTexts, StaticTextSettings
from vision.geometry import Box

SETTINGS = StaticTextSettings()
SIGN = Box.from_xywh(100, 100, 110, 28)
DAY, DUSK, NIGHT = 90.0, 50.0, 15.0
"""Mean grey values of a picture."""


def _learned(*texts: tuple[float, str], is_calm: bool = True) -> StaticTexts:
    memory = StaticTexts(SETTINGS)
    for now_s, text in texts:
        memory.learn(now_s, [(text, SIGN)], is_calm=is_calm, brightness=DAY)
    return memory


@pytest.mark.parametrize("text", ["EXIT12", "EXIT 12", "exit12", "EX1T12", "EXIT1", "XIT12"])
def test_a_sign_is_known_again_with_a_character_misread_or_cut(text: str) -> None:
    assert _learned((1.0, "EXIT 12")).holds(text, SIGN.shifted(4, -3))


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("KAB1234", SIGN),  # a vehicle stands before the sign
        ("EXIT12", SIGN.shifted(0, 60)),  # the same text elsewhere: the parked car drove off
        ("EXIT12", Box.from_xywh(100, 60, 300, 100)),  # and comes near
    ],
)
def test_another_text_or_another_place_is_no_static_text(text: str, box: Box) -> None:
    assert not _learned((1.0, "EXIT 12")).holds(text, box)


def test_the_plate_of_a_fleet_after_one_that_stood_there_is_not_lost() -> None:
    assert not _learned((1.0, "KAB1234")).holds("KAB1289", SIGN)


def test_a_clock_is_known_at_any_time_once_it_was_seen_to_run() -> None:
    memory = _learned((1.0, "10:30:01"))
    assert not memory.holds("11:47:59", SIGN)
    memory.learn(6.0, [("10:30:06", SIGN)], is_calm=True, brightness=DAY)
    assert memory.holds("11:47:59", SIGN)
    assert memory.holds("11:47", SIGN)
    assert not memory.holds("AB1:47:5", SIGN)


@pytest.mark.parametrize("texts", [("KAB1234", "KAB5678", "KAB9012"), ("1234", "5678", "9012")])
def test_vehicles_that_wait_in_one_place_are_no_clock(texts: tuple[str, str, str]) -> None:
    first, second, third = texts
    assert not _learned((1.0, first), (30.0, second)).holds(third, SIGN)


@given(st.integers(0, 10**6))
def test_a_running_timestamp_stays_one_text(seconds: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    memory = _learned((0.0, f"{at:%Y-%m-%d %H:%M:%S}"))
    memory.learn(
        5.0,
        [(f"{at + timedelta(seconds=5):%Y-%m-%d %H:%M:%S}", SIGN)],
        is_calm=True,
        brightness=DAY,
    )
    assert len(memory.texts) == 1


def test_what_has_stayed_for_a_minute_may_be_read_worse() -> None:
    memory = _learned((1.0, "CAMERA01"))
    assert not memory.holds("NCAMERA1", SIGN)
    memory.learn(70.0, [("CAMERA01", SIGN)], is_calm=True, brightness=DAY)
    assert memory.holds("NCAMERA1", SIGN)


def test_in_traffic_a_text_counts_only_when_it_is_still_there_a_minute_later() -> None:
    memory = _learned((300.0, "KAB1234"), is_calm=False)
    assert not memory.holds("KAB1234", SIGN)
    memory.learn(330.0, [("KAB1234", SIGN)], is_calm=False, brightness=DAY)
    assert not memory.holds("KAB1234", SIGN)
    memory.learn(360.0, [("KAB1234", SIGN)], is_calm=False, brightness=DAY)
    assert memory.holds("KAB1234", SIGN)


def test_a_plate_that_stood_there_is_forgotten_once_its_place_stays_empty() -> None:
    memory = _learned((1.0, "KAB1234"), (6.0, "KAB1234"))
    for now_s in (16.0, 36.0):
        memory.learn(now_s, [], is_calm=True, brightness=DAY)
    assert memory.holds("KAB1234", SIGN)
    memory.learn(76.0, [], is_calm=True, brightness=DAY)
    assert not memory.holds("KAB1234", SIGN)


def test_a_sign_outlasts_a_night_in_which_it_cannot_be_read() -> None:
    memory = StaticTexts(SETTINGS)
    hours = [*(("EXIT 12", hour) for hour in range(8)), *(("", hour) for hour in range(8, 16))]
    for text, hour in hours:
        memory.learn(hour * 3600.0, [(text, SIGN)] if text else [], is_calm=True, brightness=DAY)
    assert memory.holds("EXIT12", SIGN)


@pytest.mark.parametrize("seen", [[("", SIGN)], [("NCAM8RAO", SIGN)]])
def test_text_that_is_read_otherwise_has_not_gone(seen: list[tuple[str, Box]]) -> None:
    memory = _learned((1.0, "CAMERA01"))
    for now_s in (6.0, 16.0, 36.0):
        memory.learn(now_s, seen, is_calm=True, brightness=DAY)
    assert memory.holds("CAMERA01", SIGN)


def test_traffic_that_hides_a_sign_does_not_make_it_forgotten() -> None:
    memory = _learned((1.0, "EXIT 12"))
    for now_s in (300.0, 600.0, 900.0):
        memory.learn(now_s, [], is_calm=False, brightness=DAY)
    assert memory.holds("EXIT12", SIGN)


def test_it_looks_after_half_a_second_of_calm_and_then_less_and_less_often() -> None:
    memory, looks = StaticTexts(SETTINGS), list[float]()
    for tenth in range(36_000):
        now_s = tenth / 10
        if memory.is_due(now_s, is_calm=True):
            memory.learn(now_s, [], is_calm=True, brightness=DAY)
            looks.append(now_s)
    assert looks[:5] == [0.5, 5.5, 15.5, 35.5, 75.5]
    assert 10 <= len(looks) <= 14


def test_it_waits_for_calm_but_not_for_ever() -> None:
    memory = StaticTexts(SETTINGS)
    due = [tenth / 10 for tenth in range(4000) if memory.is_due(tenth / 10, is_calm=False)]
    assert due[0] == 300.0
    restless = StaticTexts(SETTINGS)
    assert not any(restless.is_due(t / 10, is_calm=t % 5 > 0) for t in range(1000))


def test_memory_is_bounded_and_forgets() -> None:
    memory = StaticTexts(StaticTextSettings(kept=4, forget_s=100.0))
    row = [(f"SIGN{n}X{n}", SIGN.shifted(200 * n, 0)) for n in range(6)]
    memory.learn(0.0, row, is_calm=True, brightness=DAY)
    assert memory.texts == ("SIGN2X2", "SIGN3X3", "SIGN4X4", "SIGN5X5")
    memory.learn(90.0, row[5:], is_calm=True, brightness=DAY)
    memory.learn(150.0, [], is_calm=True, brightness=DAY)
    assert memory.texts == ("SIGN5X5",)


def test_a_sign_that_the_night_hides_is_known_in_the_morning() -> None:
    memory = _learned((0.0, "EXIT 12"))
    for look in range(1, 72):
        memory.learn(look * 600.0, [], is_calm=True, brightness=NIGHT)
    assert memory.holds("EXIT12", SIGN)


@pytest.mark.parametrize(("found_in", "gone_in"), [(DAY, DUSK), (NIGHT, NIGHT), (NIGHT, DAY)])
def test_what_has_gone_is_forgotten_in_light_in_which_it_would_be_seen(
    found_in: float, gone_in: float
) -> None:
    memory = StaticTexts(SETTINGS)
    memory.learn(0.0, [("KAB1234", SIGN)], is_calm=True, brightness=DAY)
    memory.learn(5.0, [("KAB1234", SIGN)], is_calm=True, brightness=found_in)
    for look in range(3):
        memory.learn(20.0 + look, [], is_calm=True, brightness=gone_in)
    assert not memory.holds("KAB1234", SIGN)
