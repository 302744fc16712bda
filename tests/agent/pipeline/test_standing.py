"""The pipeline on what stands: signs, parked rows, vehicles that wait, go on and come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from agent.camera.frame import Frame
from agent.pipeline.runner import Pipeline
from tests.agent.pipeline.drawn_road import drawn, run, vehicle
from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader
from vision.geometry import Box


def test_a_vehicle_that_stays_is_reported_once_before_it_leaves() -> None:
    cars, plates = vehicle("AB1234", 10, 16)
    for number in range(16, 150):
        cars[number], plates[number] = cars[15], plates[15]
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    times = [f.at_s for f in drawn(cars, 400) for _ in pipeline.process(f)]
    assert len(times) == 1
    assert times[0] <= 1.0 + 3.2
    assert pipeline.finish() == []


def test_a_sign_behind_the_traffic_is_no_sighting() -> None:
    sign = ScriptedPlate(text="EXIT12", box=Box.from_xywh(300, 20, 80, 20))
    cars = {n: [Box.from_xywh(200, 10 * n, 200, 100)] for n in range(12, 40)}
    reader = ScriptedPlateReader({number: [sign] for number in range(14, 60)})
    pipeline = Pipeline(reader=reader)
    found = run(pipeline, drawn(cars, 60))
    assert reader.looks
    assert found == []


def test_a_sign_beside_the_traffic_is_no_sighting() -> None:
    """Of the sign itself nothing changes; a lorry passes close by and reaches its frame."""
    sign = ScriptedPlate(text="EXIT12", box=Box.from_xywh(260, 200, 80, 20))
    cars = {n: [Box.from_xywh(80, 30 * (n - 12), 190, 200)] for n in range(12, 28)}
    reader = ScriptedPlateReader({number: [sign] for number in range(60)})
    found = run(Pipeline(reader=reader), drawn(cars, 60))
    assert any(within and within.intersection(sign.box) for _, within in reader.looks)
    assert found == []


def test_a_row_of_similar_plates_is_a_sighting_each() -> None:
    cars, plates = dict[int, list[Box]](), dict[int, list[ScriptedPlate]]()
    for nth in range(4):
        passing, read = vehicle(f"AB123{nth}", 10 + 80 * nth, 22 + 80 * nth)
        cars |= passing
        for number, (plate,) in read.items():
            plates[number] = [ScriptedPlate(text=plate.text, box=plate.box, confidence=0.78)]
    found = run(Pipeline(reader=ScriptedPlateReader(plates)), drawn(cars, 300))
    assert [sighting.plate for sighting in found] == ["AB1230", "AB1231", "AB1232", "AB1233"]


def test_a_vehicle_that_waits_for_minutes_and_goes_on_is_one_sighting() -> None:
    cars, plates = vehicle("AB1234", 10, 18)
    for number in range(18, 900):
        cars[number], plates[number] = cars[17], plates[17]
    for number in range(900, 915):
        down = (number - 899) * 8
        cars[number] = [cars[17][0].shifted(0, down)]
        plates[number] = [ScriptedPlate(text="AB1234", box=plates[17][0].box.shifted(0, down))]
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    found = run(pipeline, drawn(cars, 960))
    assert len(found) == 1
    assert pipeline.stats.refusals == {"same_passage": 1}


def test_a_vehicle_that_waited_at_the_gate_is_a_sighting_again_when_it_comes_back_hours_later() -> (
    None
):
    gate = Box.from_xywh(200, 200, 220, 160)
    plate = ScriptedPlate(text="AB1234", box=Box.from_xywh(270, 310, 90, 22))
    cars = {n: [gate] for n in (*range(20, 420), *range(1000, 1060))}
    pipeline = Pipeline(reader=ScriptedPlateReader({number: [plate] for number in cars}))

    def at_gate() -> Iterator[Frame]:
        """A frame a minute for two hours while nobody is there."""
        for frame in drawn(cars, 1100):
            gone_s = 60.0 * min(max(frame.number - 700, 0), 120)
            yield replace(
                frame,
                at_s=frame.at_s + gone_s,
                captured_at=frame.captured_at + timedelta(seconds=gone_s),
            )

    assert [sighting.plate for sighting in run(pipeline, at_gate())] == ["AB1234", "AB1234"]


def test_a_plate_seen_again_after_being_refused_begins_its_cooldown_anew() -> None:
    cars, plates = dict[int, list[Box]](), dict[int, list[ScriptedPlate]]()
    for first in (10, 260, 510):
        passing, read = vehicle("AB1234", first, first + 12)
        cars |= passing
        plates |= read
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    assert len(run(pipeline, drawn(cars, 560))) == 1
    assert pipeline.stats.refusals == {"same_passage": 2}
