"""The pipeline keeps to the zones, the line and the rules that it was given last."""

from __future__ import annotations

from dataclasses import replace

from agent.pipeline.area import Area
from agent.pipeline.runner import Pipeline
from agent.pipeline.settings import PipelineSettings
from tests.agent.pipeline.drawn_road import drawn, run, vehicle
from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader
from vision.geometry import Box

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
RIGHT = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))


def test_a_passage_outside_of_every_zone_is_no_sighting() -> None:
    cars, plates = vehicle("AB1234", 10, 22)
    inside = Pipeline(
        reader=ScriptedPlateReader(plates), settings=PipelineSettings(area=Area(zones=(LEFT,)))
    )
    outside = Pipeline(
        reader=ScriptedPlateReader(plates), settings=PipelineSettings(area=Area(zones=(RIGHT,)))
    )
    assert [s.plate for s in run(inside, drawn(cars, 40))] == ["AB1234"]
    assert run(outside, drawn(cars, 40)) == []
    assert outside.stats.reads <= 1  # for the texts of the scene


def test_a_still_plate_outside_of_every_zone_is_refused_by_that_name() -> None:
    plates = {0: [ScriptedPlate(text="AB1234", box=Box.from_xywh(60, 100, 80, 20))]}
    pipeline = Pipeline(
        reader=ScriptedPlateReader(plates), settings=PipelineSettings(area=Area(zones=(RIGHT,)))
    )
    assert run(pipeline, drawn({}, 1, is_still=True)) == []
    assert pipeline.stats.refusals == {"out_of_zone": 1}


def test_a_line_that_was_crossed_gives_the_direction() -> None:
    cars, plates = vehicle("AB1234", 10, 22)
    against = Area(line=((0.9, 0.5), (0.1, 0.5)))
    pipeline = Pipeline(reader=ScriptedPlateReader(plates), settings=PipelineSettings(area=against))
    (sighting,) = run(pipeline, drawn(cars, 40))
    assert sighting.direction == "receding"
    assert sighting.evidence["direction"] == "receding"


def test_rules_and_zones_change_between_two_frames() -> None:
    cars, plates = vehicle("AB1234", 10, 22)
    again_cars, again_plates = vehicle("AB1234", 70, 82)
    cars, plates = {**cars, **again_cars}, {**plates, **again_plates}
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    rules = replace(PipelineSettings().rules, min_confidence=1.0)
    frames = list(drawn(cars, 100))
    pipeline.adjust(rules=rules, area=Area())
    assert [s for frame in frames[:60] for s in pipeline.process(frame)] == []
    assert pipeline.stats.refusals == {"low_confidence": 1}
    pipeline.adjust(rules=PipelineSettings().rules, area=Area(zones=(LEFT,)))
    assert [s.plate for s in run(pipeline, iter(frames[60:]))] == ["AB1234"]
