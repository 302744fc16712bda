"""The pipeline's passages are bounded: which goes where there is no room, or left the picture."""

from __future__ import annotations

import pytest

from agent.pipeline.plates import PlateSettings
from agent.pipeline.runner import Pipeline
from agent.pipeline.settings import PipelineSettings
from tests.agent.pipeline.drawn_road import drawn, plates_among, vehicle
from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader
from vision.geometry import Box


def test_passages_and_frames_are_bounded_whatever_comes() -> None:
    plates = {
        number: [
            ScriptedPlate(
                text=f"{'ABCDEFGH'[column]}{number:03d}ZZ{column}",
                box=Box.from_xywh(20 + 75 * column, 100 + (number % 9) * 30, 60, 16),
            )
            for column in range(8)
        ]
        for number in range(10, 60)
    }
    cars = {n: [Box.from_xywh(5, 60, 620 - n % 3, 400)] for n in range(10, 60)}
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    limit = PipelineSettings().plates.max_passages
    for frame in drawn(cars, 60):
        pipeline.process(frame)
        assert pipeline.passages_going_on <= limit


def test_the_passage_unseen_the_longest_makes_room_and_is_reported() -> None:
    """Two stand in view; there is room for one, so the first is settled when the second comes."""
    cars, plates = vehicle("AB1234", 10, 30, x=40, step=8)
    others, more = vehicle("XY9876", 16, 30, x=380, step=8)
    for number, boxes in others.items():
        cars.setdefault(number, []).extend(boxes)
        plates.setdefault(number, []).extend(more[number])
    roomy = Pipeline(reader=ScriptedPlateReader(plates))
    settings = PipelineSettings(plates=PlateSettings(max_passages=1))
    narrow = Pipeline(reader=ScriptedPlateReader(plates), settings=settings)
    seen = [
        (frame.number, sighting.plate)
        for frame in drawn(cars, 24)
        for sighting in plates_among(narrow.process(frame))
    ]
    assert [s for f in drawn(cars, 24) for s in roomy.process(f)] == []
    assert seen[0][1] == "AB1234"
    assert 16 <= seen[0][0] <= 18
    assert narrow.passages_going_on == 1


def test_what_has_gone_makes_room_before_what_is_still_there() -> None:
    """The first has left and waits for its track to end when the third comes."""
    cars, plates = vehicle("AB1234", 10, 20, x=10)
    for passing in (
        vehicle("XY9876", 14, 60, x=220, step=8),
        vehicle("CD4567", 28, 60, x=440, step=8),
    ):
        for number, boxes in passing[0].items():
            cars.setdefault(number, []).extend(boxes)
            plates.setdefault(number, []).extend(passing[1][number])
    settings = PipelineSettings(plates=PlateSettings(max_passages=2))
    pipeline = Pipeline(reader=ScriptedPlateReader(plates), settings=settings)
    seen = [s.plate for f in drawn(cars, 40) for s in plates_among(pipeline.process(f))]
    assert seen == ["AB1234"]
    assert [plate.text for plate in pipeline.in_view] == ["XY9876", "CD4567"]


@pytest.mark.parametrize("way", ["down", "up", "left", "right"])
def test_a_plate_that_has_left_the_picture_is_reported_though_its_vehicle_is_in_it(
    way: str,
) -> None:
    """The vehicle is long: most of it follows its plate through the picture for seconds."""
    dx, dy = {"down": (0, 1), "up": (0, -1), "left": (-1, 0), "right": (1, 0)}[way]
    cars, plates = dict[int, list[Box]](), dict[int, list[ScriptedPlate]]()
    for number in range(10, 60):
        gone = (number - 10) * 25
        x, y = 280 + dx * gone, 230 + dy * gone
        plate = Box.from_xywh(x, y, 80, 20)
        # From the plate back against the way it goes.
        body = Box(
            x1=min(x - 50, x - 50 - 900 * dx),
            y1=min(y - 60, y - 60 - 900 * dy),
            x2=max(x + 130, x + 130 - 900 * dx),
            y2=max(y + 60, y + 60 - 900 * dy),
        )
        cars[number], plates[number] = [body], [ScriptedPlate(text="AB1234", box=plate)]
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    times = [f.at_s for f in drawn(cars, 45) for _ in pipeline.process(f)]
    assert len(times) == 1
    left_s = 1.0 + ((480 - 240) if dy else (640 - 320)) / 250
    assert times[0] <= left_s + 0.45
