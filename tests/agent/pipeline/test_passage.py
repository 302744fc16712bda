from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agent.camera.frame import Frame
from agent.pipeline.consensus import ConsensusSettings
from agent.pipeline.passage import Passage, PassageSettings
from tests.fakes.scripted_reader import ScriptedPlate, reading
from vision.geometry import Box

START = datetime(2026, 1, 1, tzinfo=UTC)


def _frame(number: int) -> Frame:
    at_s = number / 10
    return Frame(
        picture=np.zeros((4, 4, 3), np.uint8),
        captured_at=START + timedelta(seconds=at_s),
        at_s=at_s,
        number=number,
    )


def _passage(settings: PassageSettings | None = None) -> Passage:
    return Passage(
        track_id=1,
        region_id=1,
        first_seen_s=0.0,
        settings=settings or PassageSettings(),
        voting=ConsensusSettings(),
    )


def _see(passage: Passage, number: int, text: str, confidence: float, y: float = 0) -> None:
    box = Box.from_xywh(100, 100 + y, 100, 25)
    plate = ScriptedPlate(text=text, box=box, confidence=confidence)
    passage.add(reading(plate), _frame(number))


def test_the_picture_is_that_of_the_best_witness_of_the_text() -> None:
    passage = _passage()
    for number, (text, confidence) in enumerate(
        [("AB1234", 0.6), ("AB1234", 0.9), ("AB1284", 0.95), ("AB1234", 0.7)]
    ):
        _see(passage, number, text, confidence)
    witness, frame = passage.best()
    assert passage.consensus.text == "AB1234"
    assert (witness.reading.confidence, frame.number) == (0.9, 1)


def test_memory_is_bounded_by_readings_and_frames() -> None:
    passage = _passage(PassageSettings(max_readings=5, max_frames=2))
    for number in range(50):
        _see(passage, number, "AB1234", 0.5 + (number % 7) / 20)
        assert len(passage.witnesses) <= 5
        assert passage.frames_held <= 2
    assert passage.consensus.text == "AB1234"
    assert passage.best()[0].reading.confidence == pytest.approx(0.8)


def test_an_outlier_goes_before_a_weak_witness() -> None:
    passage = _passage(PassageSettings(max_readings=3))
    _see(passage, 0, "AB1234", 0.6)
    _see(passage, 1, "QQQQQQQ", 0.7)
    _see(passage, 2, "AB1234", 0.9)
    _see(passage, 3, "AB1234", 0.9)
    assert [w.reading.text for w in passage.witnesses] == ["AB1234"] * 3


def test_a_frame_is_held_even_while_the_only_readings_of_the_text_lost_theirs() -> None:
    passage = _passage(PassageSettings(max_frames=1))
    for number, text in enumerate(["AB1284", "AB1234", "AB1284", "AB1234", "AB1234"]):
        _see(passage, number, text, 0.9)
        passage.best()
    assert passage.best()[0].reading.text == "AB1234"


def test_once_reported_it_holds_no_frame_and_goes_on_being_seen() -> None:
    passage = _passage()
    _see(passage, 0, "AB1234", 0.9)
    passage.report()
    _see(passage, 5, "AB1234", 0.9, y=80)
    assert passage.frames_held == 0
    assert passage.last_seen_s == 0.5
    assert len(passage.witnesses) == 1
    with pytest.raises(ValueError, match="reported already"):
        passage.best()


def test_the_candidate_says_whether_it_moved() -> None:
    passage = _passage()
    _see(passage, 0, "AB1234", 0.9)
    assert not passage.candidate().has_moved
    _see(passage, 1, "AB1234", 0.9, y=70)
    assert passage.candidate().has_moved
    assert passage.direction == "approaching"


def test_a_plate_read_in_one_place_for_a_second_stands_there() -> None:
    passage = _passage()
    for number, y in ((0, 0.0), (2, 60.0), (7, 62.0), (11, 61.0)):
        _see(passage, number, "AB1234", 0.9, y)
        assert not passage.candidate().stands
    _see(passage, 12, "AB1234", 0.9, 61.0)
    assert passage.candidate().stands
    _see(passage, 14, "AB1234", 0.9, 120.0)
    assert not passage.candidate().stands


@pytest.mark.parametrize(
    ("moved", "grown", "plate_moved", "expected"),
    [(150, 0, 0, True), (60, 0, 0, False), (150, 0, 40, False), (150, 200, 0, False)],
)
def test_a_plate_stays_behind_where_its_region_goes_on_without_it(
    moved: float, grown: float, plate_moved: float, expected: bool
) -> None:
    passage = _passage()
    region = Box.from_xywh(50, 50, 200, 150)
    for number, (at, y) in enumerate(((region, 0.0), (region.shifted(moved, 0), plate_moved))):
        box = Box.from_xywh(100, 100 + y, 100, 25)
        plate = ScriptedPlate(text="AB1234", box=box)
        passage.add(reading(plate), _frame(number), at.grown(grown * number, grown * number))
    assert passage.candidate().is_left_behind is expected
