"""What every plate reader promises: the scripted one of the tests and the real one alike."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader, stamp
from vision.geometry import Box
from vision.plates.reader import EmbeddedPlateReader
from vision.reading import Picture, PlateReader

PLATE = Box(x1=300, y1=220, x2=470, y2=256)


def _picture() -> Picture:
    picture = np.full((480, 640, 3), 90, np.uint8)
    cv2.rectangle(picture, (296, 216), (474, 260), (245, 245, 245), -1)
    cv2.putText(picture, "WA 56660", (302, 250), cv2.FONT_HERSHEY_DUPLEX, 1.05, (10, 10, 10), 2)
    stamp(picture, 7)
    return picture


def _scripted() -> PlateReader:
    return ScriptedPlateReader({7: [ScriptedPlate(text="WA56660", box=PLATE)]})


@pytest.fixture(scope="module", params=[_scripted, EmbeddedPlateReader], ids=["scripted", "real"])
def reader(request: pytest.FixtureRequest) -> PlateReader:
    make: Callable[[], PlateReader] = request.param
    return make()


def test_a_plate_is_found_in_the_pixels_of_the_whole_picture(reader: PlateReader) -> None:
    readings = reader.read(_picture(), within=Box(x1=200, y1=120, x2=600, y2=400))
    (plate,) = readings.plates
    assert plate.text == "WA56660"
    assert plate.box.iou(PLATE) > 0.5
    assert len(plate.characters) == len(plate.text)
    assert 0 < plate.confidence <= 1


def test_a_plate_outside_the_part_looked_at_is_not_answered(reader: PlateReader) -> None:
    assert reader.read(_picture(), within=Box(x1=0, y1=0, x2=250, y2=200)).plates == ()


def test_an_empty_picture_is_an_empty_answer(reader: PlateReader) -> None:
    assert reader.read(np.full((480, 640, 3), 90, np.uint8)).plates == ()


def test_a_reader_names_its_model(reader: PlateReader) -> None:
    assert reader.model
