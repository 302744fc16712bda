"""Detectors guide the reader: it reads where they point, and only what is on a vehicle."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader, stamp
from vision.detectors.detection import ObjectDetection
from vision.detectors.guided_reader import OUTSIDE_VEHICLE, GuidedPlateReader, is_inside
from vision.geometry import Box
from vision.reading import Picture

PLATE = Box.from_xywh(300, 220, 120, 30)
SIGN = Box.from_xywh(20, 20, 120, 30)
CAR = Box.from_xywh(250, 100, 240, 200)


class Pointing:
    """Points at the boxes (in the whole picture) that lie in what it is shown."""

    model = "pointing-1"

    def __init__(self, *found: tuple[Box, str]) -> None:
        self._found = found
        self.shown: list[tuple[int, ...]] = []

    def detect(self, picture: Picture) -> tuple[ObjectDetection, ...]:
        self.shown.append(picture.shape)
        return tuple(
            ObjectDetection(box=box, label=label, confidence=0.9) for box, label in self._found
        )


def picture() -> Picture:
    shown = np.zeros((480, 640, 3), dtype=np.uint8)
    stamp(shown, 1)
    return shown


def scripted() -> ScriptedPlateReader:
    plates = [ScriptedPlate(text="CAR1", box=PLATE), ScriptedPlate(text="SIGN1", box=SIGN)]
    return ScriptedPlateReader({1: plates})


def test_only_what_the_plate_detector_points_at_is_read() -> None:
    reader = scripted()
    guided = GuidedPlateReader(reader, plates=Pointing((PLATE, "")), vehicles=None)
    readings = guided.read(picture())
    assert [plate.text for plate in readings.plates] == ["CAR1"]
    ((_, within),) = reader.looks
    assert within is not None
    assert within.width < 2 * PLATE.width
    assert {"plates", "script"} <= set(readings.stage_ms)
    assert guided.model == "pointing-1+scripted-1"


def test_nothing_pointed_at_is_nothing_read() -> None:
    reader = scripted()
    assert GuidedPlateReader(reader, plates=Pointing(), vehicles=None).read(picture()).plates == ()
    assert reader.looks == []


def test_plate_found_twice_is_read_as_one() -> None:
    twice = Pointing((PLATE, ""), (PLATE.shifted(4, 2), ""))
    readings = GuidedPlateReader(scripted(), plates=twice, vehicles=None).read(picture())
    assert [plate.text for plate in readings.plates] == ["CAR1"]


@pytest.mark.parametrize("label", ["car", ""])
def test_plate_outside_every_vehicle_is_refused_with_the_reason(label: str) -> None:
    vehicles = Pointing((CAR, label), (SIGN.grown(20, 20), "person"))
    found = vehicles if label else Pointing((CAR, ""))
    readings = GuidedPlateReader(scripted(), plates=None, vehicles=found).read(picture())
    assert [plate.text for plate in readings.plates] == ["CAR1"]
    assert [(one.raw_text, one.reason) for one in readings.refused] == [("SIGN1", OUTSIDE_VEHICLE)]


def test_plate_names_the_nearest_vehicle_that_carries_it() -> None:
    lorry = Box(x1=0, y1=0, x2=640, y2=480)
    vehicles = Pointing((lorry, "truck"), (CAR, "car"))
    readings = GuidedPlateReader(scripted(), plates=None, vehicles=vehicles).read(picture())
    assert {plate.text: plate.vehicle for plate in readings.plates} == {
        "CAR1": "car",
        "SIGN1": "truck",
    }


def test_detectors_see_the_part_and_answer_in_the_whole_picture() -> None:
    view = Box(x1=200, y1=80, x2=600, y2=400)
    plates = Pointing((PLATE.shifted(-200, -80), ""))
    vehicles = Pointing((CAR.shifted(-200, -80), "car"))
    guided = GuidedPlateReader(scripted(), plates=plates, vehicles=vehicles)
    assert [plate.text for plate in guided.read(picture(), within=view).plates] == ["CAR1"]
    assert plates.shown == vehicles.shown == [(320, 400, 3)]


def test_part_outside_the_picture_is_empty() -> None:
    guided = GuidedPlateReader(scripted(), plates=Pointing((PLATE, "")), vehicles=Pointing())
    assert guided.read(picture(), within=Box(x1=900, y1=0, x2=990, y2=99)).plates == ()


def test_most_of_a_plate_has_to_be_inside() -> None:
    assert is_inside(Box.from_xywh(0, 0, 10, 10), Box.from_xywh(0, 2, 100, 100))
    assert not is_inside(Box.from_xywh(0, 0, 10, 10), Box.from_xywh(0, 4, 100, 100))
    assert not is_inside(Box.from_xywh(5, 5, 0, 0), Box.from_xywh(0, 0, 100, 100))
