"""The pipeline on drawn frames with a reader that knows what is in them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from structlog.testing import capture_logs

from agent.pipeline.plates import PlateSettings
from agent.pipeline.runner import Pipeline
from agent.pipeline.settings import PipelineSettings
from agent.pipeline.sighting import FaceSighting, PlateSighting, Sighting
from agent.pipeline.static_text import StaticTextSettings
from tests.agent.pipeline.drawn_road import START, drawn, plates_among, run, vehicle
from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader, reading
from vision.errors import ModelFailed
from vision.geometry import Box
from vision.reading import FaceDetection, Picture, PlateReadings


def test_one_passage_is_one_sighting_with_the_frame_of_its_best_reading() -> None:
    cars, plates = vehicle("AB1234", 10, 22)
    plates[11] = [ScriptedPlate(text="AB1234", box=plates[11][0].box, confidence=0.99)]
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    (sighting,) = run(pipeline, drawn(cars, 40))
    assert sighting.plate == "AB1234"
    assert sighting.captured_at == START + timedelta(seconds=1.1)
    assert sighting.box == plates[11][0].box
    assert sighting.picture[0, 0, 0] == 11
    assert sighting.first_seen_at == START + timedelta(seconds=1.0)
    assert 1.0 <= sighting.dwell_s <= 1.7
    assert sighting.direction == "approaching"
    assert sighting.evidence["model"] == "scripted-1"
    assert pipeline.stats.sightings == 1


def test_it_is_reported_within_a_second_of_leaving() -> None:
    cars, plates = vehicle("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    at_s = [f.at_s for f in drawn(cars, 60) for _ in pipeline.process(f)]
    assert len(at_s) == 1
    assert at_s[0] <= 2.2 + 1.0


def test_a_sure_text_is_read_no_further() -> None:
    cars, plates = vehicle("AB1234", 10, 40, step=10)
    reader = ScriptedPlateReader(plates)
    run(Pipeline(reader=reader), drawn(cars, 60))
    assert 3 <= len(reader.looks) <= 8


def test_nothing_moving_means_nothing_read_but_the_scene_itself() -> None:
    plates = {n: [ScriptedPlate(text="AB1234", box=Box.from_xywh(9, 9, 80, 20))] for n in range(30)}
    reader = ScriptedPlateReader(plates)
    pipeline = Pipeline(reader=reader)
    assert run(pipeline, drawn({}, 30)) == []
    assert reader.looks == [(5, Box(x1=0, y1=0, x2=640, y2=480))]
    assert pipeline.stats.gated_frames == 30


def test_two_vehicles_at_a_time_are_two_sightings() -> None:
    cars, plates = vehicle("AB1234", 10, 22, x=40)
    others, more = vehicle("XY9876", 11, 23, x=380)
    for number, boxes in others.items():
        cars.setdefault(number, []).extend(boxes)
        plates.setdefault(number, []).extend(more[number])
    found = run(Pipeline(reader=ScriptedPlateReader(plates)), drawn(cars, 40))
    assert sorted(sighting.plate for sighting in found) == ["AB1234", "XY9876"]


def test_two_of_one_fleet_that_look_like_one_are_two_sightings() -> None:
    cars, plates = vehicle("AB1234", 10, 26, step=20)
    for number, (box,) in cars.items():
        cars[number] = [replace(box, x2=box.x1 + 300)]  # they overlap: one region moves
        beside = plates[number][0].box.shifted(150, 0)
        plates[number].append(ScriptedPlate(text="AB1278", box=beside))
    found = run(Pipeline(reader=ScriptedPlateReader(plates)), drawn(cars, 50))
    assert sorted(sighting.plate for sighting in found) == ["AB1234", "AB1278"]


def test_a_vehicle_right_behind_another_is_seen_too() -> None:
    cars, plates = vehicle("AB1234", 10, 24)
    others, more = vehicle("XY9876", 16, 30)
    for number, boxes in others.items():
        cars.setdefault(number, []).extend(boxes)
        plates.setdefault(number, []).extend(more[number])
    found = run(Pipeline(reader=ScriptedPlateReader(plates)), drawn(cars, 50))
    assert sorted(sighting.plate for sighting in found) == ["AB1234", "XY9876"]


def test_a_track_that_breaks_is_still_one_passage() -> None:
    cars, plates = vehicle("AB1234", 10, 35, step=10)
    for number in range(18, 27):
        del cars[number], plates[number]
    (sighting,) = run(Pipeline(reader=ScriptedPlateReader(plates)), drawn(cars, 60))
    assert sighting.plate == "AB1234"


def test_one_unsure_reading_is_refused_and_counted() -> None:
    cars, plates = vehicle("AB1234", 10, 22)
    only = {15: [ScriptedPlate(text="AB1234", box=plates[15][0].box, confidence=0.7)]}
    pipeline = Pipeline(reader=ScriptedPlateReader(only))
    assert run(pipeline, drawn(cars, 60)) == []
    assert pipeline.stats.refusals == {"too_few_readings": 1}
    assert pipeline.stats.refused == 1
    (kept,) = pipeline.stats.latest_refused
    assert (kept.text, kept.confidence, kept.readings) == ("AB1234", 0.7, 1)
    assert kept.captured_at == START + timedelta(seconds=1.5)


def test_the_end_of_the_source_reports_what_goes_on_once() -> None:
    cars, plates = vehicle("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    for frame in drawn(cars, 16):
        assert pipeline.process(frame) == []
    assert [s.plate for s in plates_among(pipeline.finish())] == ["AB1234"]
    assert pipeline.finish() == []
    assert pipeline.stats.sightings == 1


def test_time_running_backwards_settles_and_begins_anew() -> None:
    cars, plates = vehicle("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    for frame in drawn(cars, 16):
        pipeline.process(frame)
    (again,) = drawn({}, 1)
    assert [s.plate for s in plates_among(pipeline.process(again))] == ["AB1234"]


def test_a_source_that_begins_anew_holds_a_plate_back_for_its_cooldown_only() -> None:
    cars, plates = vehicle("AB1234", 2010, 2022)
    soon, more = vehicle("AB1234", 110, 122)
    later, last = vehicle("AB1234", 610, 622)
    pipeline = Pipeline(reader=ScriptedPlateReader({**plates, **more, **last}))
    shown = [drawn(cars, 50, first=2000), drawn(soon, 50, first=100), drawn(later, 50, first=600)]
    found = [[s.plate for s in run(pipeline, frames)] for frames in shown]
    assert found == [["AB1234"], [], ["AB1234"]]
    assert pipeline.stats.refusals == {"same_passage": 1}


def test_a_look_at_the_scene_that_fails_costs_one_frame_and_not_what_passes() -> None:
    class Failing(ScriptedPlateReader):
        def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
            if within is not None and within.width == 640:
                raise ModelFailed("model scripted-1: broke on the whole picture")
            return super().read(picture, within=within)

    cars, plates = vehicle("AB1234", 10, 22)
    for number in range(1, 40):  # something moves all the while
        cars.setdefault(number, []).append(Box.from_xywh(400 + number % 8 * 10, 300, 120, 100))
    settings = PipelineSettings(
        plates=PlateSettings(texts=StaticTextSettings(at_latest_s=0.5, confirm_s=5.0))
    )
    pipeline, failures, found = (
        Pipeline(reader=Failing(plates), settings=settings),
        0,
        list[Sighting](),
    )
    for frame in drawn(cars, 40):
        try:
            found += pipeline.process(frame)
        except ModelFailed:
            failures += 1
    assert [s.plate for s in plates_among(found)] == ["AB1234"]
    assert 1 <= failures < 10


def test_every_still_is_a_passage_of_its_own_with_all_its_plates() -> None:
    both = [
        ScriptedPlate(text="AB1234", box=Box.from_xywh(50, 50, 80, 20), confidence=0.6),
        ScriptedPlate(text="XY9876", box=Box.from_xywh(400, 50, 80, 20)),
        ScriptedPlate(text="QQ1111", box=Box.from_xywh(200, 200, 80, 20), confidence=0.3),
    ]
    pipeline = Pipeline(reader=ScriptedPlateReader(dict.fromkeys(range(3), both)))
    found = [pipeline.process(frame) for frame in drawn({}, 3, is_still=True)]
    assert [[s.plate for s in plates_among(each)] for each in found] == [["AB1234", "XY9876"]] * 3
    assert plates_among(found[0])[0].dwell_s == 0
    assert pipeline.stats.refusals == {"low_confidence": 3}
    assert pipeline.finish() == []


def test_a_failing_model_is_raised_and_the_pipeline_goes_on() -> None:
    class Failing(ScriptedPlateReader):
        def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
            answer = super().read(picture, within=within)
            if len(self.looks) == 1:
                raise ModelFailed("model scripted-1: broke on purpose")
            return answer

    cars, plates = vehicle("AB1234", 10, 22)
    pipeline, failures, found = Pipeline(reader=Failing(plates)), 0, list[PlateSighting]()
    for frame in drawn(cars, 40):
        try:
            found += plates_among(pipeline.process(frame))
        except ModelFailed:
            failures += 1
    assert failures == 1
    assert [sighting.plate for sighting in found] == ["AB1234"]


def test_a_model_that_gives_no_box_has_failed() -> None:
    """Of a wrong model file: what is not a number would spoil every later track."""
    nowhere = Box(x1=float("nan"), y1=0, x2=80, y2=20)

    class Broken(ScriptedPlateReader):
        def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
            plate = ScriptedPlate(text="AB1234", box=nowhere)
            return PlateReadings(plates=(reading(plate),))

    pipeline = Pipeline(reader=Broken({}))
    (frame,) = drawn({}, 1, is_still=True)
    with pytest.raises(ModelFailed, match="AB1234 has the box"):
        pipeline.process(frame)
    assert pipeline.stats.methods["still"].success_rate == 0.0


class _OneFace:
    """Takes the corner of the dark vehicle of `vehicle`, with its edges, for a face."""

    model = "scripted-face-1"

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        dark = np.argwhere(picture[..., 0] == 40)
        if not len(dark):
            return ()
        y, x = dark.min(axis=0)
        box = Box.from_xywh(float(x) - 20, float(y) - 20, 90, 110)
        return (FaceDetection(box=box, confidence=0.9),)


class _FailingFaces(_OneFace):
    """As its name says, wherever a vehicle moves."""

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        if super().detect(picture):
            raise ModelFailed("model scripted-face-1: broke on purpose")
        return ()


def test_a_failing_face_model_costs_no_plate() -> None:
    for second in range(12, 18):
        cars, plates = vehicle("AB1234", 10, 22)
        others, more = vehicle("XY9876", second, second + 20, x=380)
        for number, boxes in others.items():
            cars.setdefault(number, []).extend(boxes)
            plates.setdefault(number, []).extend(more[number])
        pipeline = Pipeline(reader=ScriptedPlateReader(plates), face_detector=_FailingFaces())
        found, failures = list[Sighting](), 0
        for frame in drawn(cars, 60):
            try:
                found += pipeline.process(frame)
            except ModelFailed:
                failures += 1
        assert failures > 5
        assert sorted(s.plate for s in plates_among(found)) == ["AB1234", "XY9876"]
        assert pipeline.stats.sightings == 2


def test_a_face_that_passes_is_one_sighting_with_its_best_picture() -> None:
    cars, _ = vehicle("", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader({}), face_detector=_OneFace())
    found = [s for frame in drawn(cars, 50) for s in pipeline.process(frame)]
    assert len(found) == 1
    face = found[0]
    assert isinstance(face, FaceSighting)
    assert 0.1 <= face.quality <= 1
    assert face.evidence["looks"] >= 2
    assert face.box.x1 == pytest.approx(40, abs=8)


def test_stages_are_timed() -> None:
    ticks = iter(range(10**6))
    cars, plates = vehicle("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates), clock=lambda: next(ticks) / 1000)
    run(pipeline, drawn(cars, 30))
    stages = pipeline.stats.stages
    assert stages["motion"].count == 30
    assert stages["motion"].mean_ms == pytest.approx(1.0)
    assert stages["read"].count == pipeline.stats.reads
    assert {"frame", "read.script"} <= set(stages)
    methods = pipeline.stats.methods
    assert methods["follow"].success_rate == 1.0
    assert sum(figures.count for figures in methods.values()) == pipeline.stats.reads


def test_figures_are_logged_every_five_minutes_and_at_the_end() -> None:
    now_s = iter(range(10**6))
    pipeline = Pipeline(reader=ScriptedPlateReader({}), clock=lambda: float(next(now_s)))
    with capture_logs() as lines:
        for frame in drawn({}, 120):
            pipeline.process(frame)
        pipeline.finish()
        pipeline.finish()
    said = [line["event"] for line in lines]
    assert said[-1] == "pipeline report"
    assert said.count("pipeline report") == 1
    assert 1 <= said.count("pipeline summary") <= 4
    assert json.loads(lines[-1]["json"])["frames"] == 120


def test_what_passes_is_in_view_until_it_has_gone() -> None:
    cars, plates = vehicle("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    seen = []
    for frame in drawn(cars, 40):
        pipeline.process(frame)
        seen.append([plate.text for plate in pipeline.in_view])
    assert seen[9] == []
    assert ["AB1234"] in seen
    assert seen[-1] == []


def test_a_plate_in_view_is_shown_where_it_is_also_in_frames_that_are_not_read() -> None:
    cars, plates = vehicle("AB1234", 10, 40, step=8)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    shown = []
    for frame in drawn(cars, 36):
        reads = pipeline.stats.reads
        pipeline.process(frame)
        if pipeline.stats.reads == reads and pipeline.in_view and frame.number > 16:
            (found,), (truth,) = pipeline.in_view, plates[frame.number]
            shown.append(found.box.iou(truth.box))
    assert len(shown) > 3
    assert min(shown) > 0.6
