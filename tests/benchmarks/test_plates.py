"""The figures that the plate benchmark prints are the right ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plates import (
    BOARDS,
    Outcome,
    distance,
    drawn_board,
    false_boards,
    is_for_tuning,
    rate,
    summary,
)
from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader, reading
from vision.geometry import Box
from vision.plates.reader import EmbeddedPlateReader
from vision.reading import Picture, PlateReadings


def test_wilson_interval_as_published() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263 and 0 of 20.
    found = rate(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (rate(0, 20).low, rate(0, 20).high) == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(st.integers(0, 500), st.integers(1, 500))
def test_interval_holds_the_share(hits: int, of: int) -> None:
    found = rate(min(hits, of), of)
    assert 0 <= found.low <= found.share <= found.high <= 1


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [("RK755AJ", "RK755AJ", 0), ("RK755A", "RK755AJ", 1), ("AB", "BA", 2), ("", "ABC", 3)],
)
def test_distance(left: str, right: str, edits: int) -> None:
    assert distance(left, right) == edits


def outcome(truth: str, *answers: str) -> Outcome:
    return Outcome(file=f"{truth}.jpg", truth=truth, answers=answers, ms=10.0)


def test_summary_counts_each_kind_of_answer() -> None:
    found = summary(
        "x",
        [
            outcome("RK755AJ", "RK755AJ"),
            outcome("RKO99AN", "RK099AN"),
            outcome("WA56660"),
            outcome("BA738DE", "XX000XX", "BA738DE"),
        ],
    )
    assert found.exact.hits == 2
    assert found.exact_but_zero.hits == 3
    assert found.answered.hits == 3
    assert found.right_when_answered.share == pytest.approx(2 / 3)
    assert found.false_answers == 1
    assert found.mean_ms == 10.0


def test_boards_with_a_plate_are_counted_and_named() -> None:
    class Reader(ScriptedPlateReader):
        def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
            self.looks.append((len(self.looks), within))
            box = Box.from_xywh(380, 320, 100, 50)
            plate = reading(ScriptedPlate(text="ABC123", box=box))
            return PlateReadings(plates=(plate,) if len(self.looks) == 2 else ())

    assert false_boards(Reader({})) == {BOARDS[1]: ("ABC123",)}
    assert len(BOARDS) == len(set(BOARDS)) > 100


def test_a_drawn_board_can_be_read() -> None:
    (found,) = EmbeddedPlateReader().read(drawn_board("ABC 123")).plates
    assert found.text == "ABC123"


def test_halves_are_about_equal_and_stable() -> None:
    names = [f"test_{number:03}.jpg" for number in range(400)]
    tuned = sum(is_for_tuning(name) for name in names)
    assert 160 < tuned < 240
    assert is_for_tuning("eu1.jpg") is is_for_tuning("eu1.jpg")
