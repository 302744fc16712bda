"""The pipeline on drawn frames with a reader that knows what is in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from structlog.testing import capture_logs

from agent.camera.frame import Frame
from agent.pipeline.area import Area
from agent.pipeline.plates import PlateSettings
from agent.pipeline.runner import Pipeline
from agent.pipeline.settings import PipelineSettings
from agent.pipeline.sighting import FaceSighting, PlateSighting
from tests.fakes.scripted_reader import ScriptedPlate, ScriptedPlateReader, reading, stamp
from vision.errors import ModelFailed
from vision.geometry import Box
from vision.reading import FaceDetection, Picture, PlateReadings

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
RNG = np.random.default_rng(3)
ROAD: Picture = np.repeat(
    np.repeat(RNG.integers(90, 130, (60, 80, 3), dtype=np.uint8), 8, axis=0), 8, axis=1
)
Cars = Mapping[int, Sequence[Box]]
Plates = Mapping[int, Sequence[ScriptedPlate]]


def _frames(cars: Cars, count: int, *, first: int = 0, is_still: bool = False) -> Iterator[Frame]:
    """Ten frames a second of 640x480 with dark vehicles on a road."""
    for number in range(first, first + count):
        picture = ROAD.copy()
        for car in cars.get(number, ()):
            part = car.clipped(640, 480)
            picture[int(part.y1) : int(part.y2), int(part.x1) : int(part.x2)] = (40, 35, 30)
        stamp(picture, number)
        yield Frame(
            picture=picture,
            captured_at=START + timedelta(seconds=number / 10),
            at_s=number / 10,
            number=number,
            is_still=is_still,
        )


def _passing(
    text: str, first: int, last: int, *, x: float = 60, step: float = 30
) -> tuple[dict[int, list[Box]], dict[int, list[ScriptedPlate]]]:
    """A vehicle that comes down the picture with its plate."""
    cars, plates = dict[int, list[Box]](), dict[int, list[ScriptedPlate]]()
    for number in range(first, last):
        y = (number - first) * step
        cars[number] = [Box.from_xywh(x, y, 180, 130)]
        plates[number] = [ScriptedPlate(text=text, box=Box.from_xywh(x + 50, y + 95, 80, 20))]
    return cars, plates


def _plates(found: Sequence[object]) -> list[PlateSighting]:
    return [sighting for sighting in found if isinstance(sighting, PlateSighting)]


def _run(pipeline: Pipeline, frames: Iterator[Frame]) -> list[PlateSighting]:
    found = [sighting for frame in frames for sighting in pipeline.process(frame)]
    return _plates(found + pipeline.finish())


def test_one_passage_is_one_sighting_with_the_frame_of_its_best_reading() -> None:
    cars, plates = _passing("AB1234", 10, 22)
    plates[11] = [ScriptedPlate(text="AB1234", box=plates[11][0].box, confidence=0.99)]
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    (sighting,) = _run(pipeline, _frames(cars, 40))
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
    cars, plates = _passing("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    at_s = [f.at_s for f in _frames(cars, 60) for _ in pipeline.process(f)]
    assert len(at_s) == 1
    assert at_s[0] <= 2.2 + 1.0


def test_a_sure_text_is_read_no_further() -> None:
    cars, plates = _passing("AB1234", 10, 40, step=10)
    reader = ScriptedPlateReader(plates)
    _run(Pipeline(reader=reader), _frames(cars, 60))
    assert 3 <= len(reader.looks) <= 8


def test_nothing_moving_means_nothing_read_but_the_scene_itself() -> None:
    plates = {n: [ScriptedPlate(text="AB1234", box=Box.from_xywh(9, 9, 80, 20))] for n in range(30)}
    reader = ScriptedPlateReader(plates)
    pipeline = Pipeline(reader=reader)
    assert _run(pipeline, _frames({}, 30)) == []
    assert reader.looks == [(5, Box(x1=0, y1=0, x2=640, y2=480))]
    assert pipeline.stats.gated_frames == 30


def test_two_vehicles_at_a_time_are_two_sightings() -> None:
    cars, plates = _passing("AB1234", 10, 22, x=40)
    others, more = _passing("XY9876", 11, 23, x=380)
    for number, boxes in others.items():
        cars.setdefault(number, []).extend(boxes)
        plates.setdefault(number, []).extend(more[number])
    found = _run(Pipeline(reader=ScriptedPlateReader(plates)), _frames(cars, 40))
    assert sorted(sighting.plate for sighting in found) == ["AB1234", "XY9876"]


def test_a_vehicle_right_behind_another_is_seen_too() -> None:
    cars, plates = _passing("AB1234", 10, 24)
    others, more = _passing("XY9876", 16, 30)
    for number, boxes in others.items():
        cars.setdefault(number, []).extend(boxes)
        plates.setdefault(number, []).extend(more[number])
    found = _run(Pipeline(reader=ScriptedPlateReader(plates)), _frames(cars, 50))
    assert sorted(sighting.plate for sighting in found) == ["AB1234", "XY9876"]


def test_a_track_that_breaks_is_still_one_passage() -> None:
    cars, plates = _passing("AB1234", 10, 35, step=10)
    for number in range(18, 27):
        del cars[number], plates[number]
    (sighting,) = _run(Pipeline(reader=ScriptedPlateReader(plates)), _frames(cars, 60))
    assert sighting.plate == "AB1234"


def test_a_vehicle_that_stays_is_reported_once_before_it_leaves() -> None:
    cars, plates = _passing("AB1234", 10, 16)
    for number in range(16, 150):
        cars[number], plates[number] = cars[15], plates[15]
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    times = [f.at_s for f in _frames(cars, 400) for _ in pipeline.process(f)]
    assert len(times) == 1
    assert times[0] <= 1.0 + 3.2
    assert pipeline.finish() == []


def test_a_sign_behind_the_traffic_is_no_sighting() -> None:
    sign = ScriptedPlate(text="EXIT12", box=Box.from_xywh(300, 20, 80, 20))
    cars = {n: [Box.from_xywh(200, 10 * n, 200, 100)] for n in range(12, 40)}
    reader = ScriptedPlateReader({number: [sign] for number in range(14, 60)})
    pipeline = Pipeline(reader=reader)
    found = _run(pipeline, _frames(cars, 60))
    assert reader.looks
    assert found == []


def test_a_sign_beside_the_traffic_is_no_sighting() -> None:
    """Of the sign itself nothing changes; a lorry passes close by and reaches its frame."""
    sign = ScriptedPlate(text="EXIT12", box=Box.from_xywh(260, 200, 80, 20))
    cars = {n: [Box.from_xywh(80, 30 * (n - 12), 190, 200)] for n in range(12, 28)}
    reader = ScriptedPlateReader({number: [sign] for number in range(60)})
    found = _run(Pipeline(reader=reader), _frames(cars, 60))
    assert any(within and within.intersection(sign.box) for _, within in reader.looks)
    assert found == []


def test_a_row_of_similar_plates_is_a_sighting_each() -> None:
    cars, plates = dict[int, list[Box]](), dict[int, list[ScriptedPlate]]()
    for nth in range(4):
        passing, read = _passing(f"AB123{nth}", 10 + 80 * nth, 22 + 80 * nth)
        cars |= passing
        for number, (plate,) in read.items():
            plates[number] = [ScriptedPlate(text=plate.text, box=plate.box, confidence=0.78)]
    found = _run(Pipeline(reader=ScriptedPlateReader(plates)), _frames(cars, 300))
    assert [sighting.plate for sighting in found] == ["AB1230", "AB1231", "AB1232", "AB1233"]


def test_a_vehicle_that_waits_for_minutes_and_goes_on_is_one_sighting() -> None:
    cars, plates = _passing("AB1234", 10, 18)
    for number in range(18, 900):
        cars[number], plates[number] = cars[17], plates[17]
    for number in range(900, 915):
        down = (number - 899) * 8
        cars[number] = [cars[17][0].shifted(0, down)]
        plates[number] = [ScriptedPlate(text="AB1234", box=plates[17][0].box.shifted(0, down))]
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    found = _run(pipeline, _frames(cars, 960))
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
        for frame in _frames(cars, 1100):
            gone_s = 60.0 * min(max(frame.number - 700, 0), 120)
            yield replace(
                frame,
                at_s=frame.at_s + gone_s,
                captured_at=frame.captured_at + timedelta(seconds=gone_s),
            )

    assert [sighting.plate for sighting in _run(pipeline, at_gate())] == ["AB1234", "AB1234"]


def test_a_plate_seen_again_after_being_refused_begins_its_cooldown_anew() -> None:
    cars, plates = dict[int, list[Box]](), dict[int, list[ScriptedPlate]]()
    for first in (10, 260, 510):
        passing, read = _passing("AB1234", first, first + 12)
        cars |= passing
        plates |= read
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    assert len(_run(pipeline, _frames(cars, 560))) == 1
    assert pipeline.stats.refusals == {"same_passage": 2}


def test_one_unsure_reading_is_refused_and_counted() -> None:
    cars, plates = _passing("AB1234", 10, 22)
    only = {15: [ScriptedPlate(text="AB1234", box=plates[15][0].box, confidence=0.7)]}
    pipeline = Pipeline(reader=ScriptedPlateReader(only))
    assert _run(pipeline, _frames(cars, 60)) == []
    assert pipeline.stats.refusals == {"too_few_readings": 1}
    assert pipeline.stats.refused == 1
    (kept,) = pipeline.stats.latest_refused
    assert (kept.text, kept.confidence, kept.readings) == ("AB1234", 0.7, 1)
    assert kept.captured_at == START + timedelta(seconds=1.5)


def test_the_end_of_the_source_reports_what_goes_on_once() -> None:
    cars, plates = _passing("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    for frame in _frames(cars, 16):
        assert pipeline.process(frame) == []
    assert [s.plate for s in _plates(pipeline.finish())] == ["AB1234"]
    assert pipeline.finish() == []
    assert pipeline.stats.sightings == 1


def test_time_running_backwards_settles_and_begins_anew() -> None:
    cars, plates = _passing("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    for frame in _frames(cars, 16):
        pipeline.process(frame)
    (again,) = _frames({}, 1)
    assert [s.plate for s in _plates(pipeline.process(again))] == ["AB1234"]


def test_every_still_is_a_passage_of_its_own_with_all_its_plates() -> None:
    both = [
        ScriptedPlate(text="AB1234", box=Box.from_xywh(50, 50, 80, 20), confidence=0.6),
        ScriptedPlate(text="XY9876", box=Box.from_xywh(400, 50, 80, 20)),
        ScriptedPlate(text="QQ1111", box=Box.from_xywh(200, 200, 80, 20), confidence=0.3),
    ]
    pipeline = Pipeline(reader=ScriptedPlateReader(dict.fromkeys(range(3), both)))
    found = [pipeline.process(frame) for frame in _frames({}, 3, is_still=True)]
    assert [[s.plate for s in _plates(each)] for each in found] == [["AB1234", "XY9876"]] * 3
    assert _plates(found[0])[0].dwell_s == 0
    assert pipeline.stats.refusals == {"low_confidence": 3}
    assert pipeline.finish() == []


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
    for frame in _frames(cars, 60):
        pipeline.process(frame)
        assert pipeline.passages_going_on <= limit


def test_the_passage_unseen_the_longest_makes_room_and_is_reported() -> None:
    """Two stand in view; there is room for one, so the first is settled when the second comes."""
    cars, plates = _passing("AB1234", 10, 30, x=40, step=8)
    others, more = _passing("XY9876", 16, 30, x=380, step=8)
    for number, boxes in others.items():
        cars.setdefault(number, []).extend(boxes)
        plates.setdefault(number, []).extend(more[number])
    roomy = Pipeline(reader=ScriptedPlateReader(plates))
    settings = PipelineSettings(plates=PlateSettings(max_passages=1))
    narrow = Pipeline(reader=ScriptedPlateReader(plates), settings=settings)
    seen = [
        (frame.number, sighting.plate)
        for frame in _frames(cars, 24)
        for sighting in _plates(narrow.process(frame))
    ]
    assert [s for f in _frames(cars, 24) for s in roomy.process(f)] == []
    assert seen[0][1] == "AB1234"
    assert 16 <= seen[0][0] <= 18
    assert narrow.passages_going_on == 1


def test_what_has_gone_makes_room_before_what_is_still_there() -> None:
    """The first has left and waits for its track to end when the third comes."""
    cars, plates = _passing("AB1234", 10, 20, x=10)
    for passing in (
        _passing("XY9876", 14, 60, x=220, step=8),
        _passing("CD4567", 28, 60, x=440, step=8),
    ):
        for number, boxes in passing[0].items():
            cars.setdefault(number, []).extend(boxes)
            plates.setdefault(number, []).extend(passing[1][number])
    settings = PipelineSettings(plates=PlateSettings(max_passages=2))
    pipeline = Pipeline(reader=ScriptedPlateReader(plates), settings=settings)
    seen = [s.plate for f in _frames(cars, 40) for s in _plates(pipeline.process(f))]
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
    times = [f.at_s for f in _frames(cars, 45) for _ in pipeline.process(f)]
    assert len(times) == 1
    left_s = 1.0 + ((480 - 240) if dy else (640 - 320)) / 250
    assert times[0] <= left_s + 0.45


def test_a_failing_model_is_raised_and_the_pipeline_goes_on() -> None:
    class Failing(ScriptedPlateReader):
        def read(self, picture: Picture, *, within: Box | None = None) -> PlateReadings:
            answer = super().read(picture, within=within)
            if len(self.looks) == 1:
                raise ModelFailed("model scripted-1: broke on purpose")
            return answer

    cars, plates = _passing("AB1234", 10, 22)
    pipeline, failures, found = Pipeline(reader=Failing(plates)), 0, list[PlateSighting]()
    for frame in _frames(cars, 40):
        try:
            found += _plates(pipeline.process(frame))
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
    (frame,) = _frames({}, 1, is_still=True)
    with pytest.raises(ModelFailed, match="AB1234 has the box"):
        pipeline.process(frame)
    assert pipeline.stats.methods["still"].success_rate == 0.0


class _OneFace:
    """Takes the corner of the dark vehicle of `_passing`, with its edges, for a face."""

    model = "scripted-face-1"

    def detect(self, picture: Picture) -> tuple[FaceDetection, ...]:
        dark = np.argwhere(picture[..., 0] == 40)
        if not len(dark):
            return ()
        y, x = dark.min(axis=0)
        box = Box.from_xywh(float(x) - 20, float(y) - 20, 90, 110)
        return (FaceDetection(box=box, confidence=0.9),)


def test_a_face_that_passes_is_one_sighting_with_its_best_picture() -> None:
    cars, _ = _passing("", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader({}), face_detector=_OneFace())
    found = [s for frame in _frames(cars, 50) for s in pipeline.process(frame)]
    assert len(found) == 1
    face = found[0]
    assert isinstance(face, FaceSighting)
    assert 0.1 <= face.quality <= 1
    assert face.evidence["looks"] >= 2
    assert face.box.x1 == pytest.approx(40, abs=8)


def test_stages_are_timed() -> None:
    ticks = iter(range(10**6))
    cars, plates = _passing("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates), clock=lambda: next(ticks) / 1000)
    _run(pipeline, _frames(cars, 30))
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
        for frame in _frames({}, 120):
            pipeline.process(frame)
        pipeline.finish()
        pipeline.finish()
    said = [line["event"] for line in lines]
    assert said[-1] == "pipeline report"
    assert said.count("pipeline report") == 1
    assert 1 <= said.count("pipeline summary") <= 4
    assert json.loads(lines[-1]["json"])["frames"] == 120


LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
RIGHT = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))


def test_a_passage_outside_of_every_zone_is_no_sighting() -> None:
    cars, plates = _passing("AB1234", 10, 22)
    inside = Pipeline(
        reader=ScriptedPlateReader(plates), settings=PipelineSettings(area=Area(zones=(LEFT,)))
    )
    outside = Pipeline(
        reader=ScriptedPlateReader(plates), settings=PipelineSettings(area=Area(zones=(RIGHT,)))
    )
    assert [s.plate for s in _run(inside, _frames(cars, 40))] == ["AB1234"]
    assert _run(outside, _frames(cars, 40)) == []
    assert outside.stats.reads <= 1  # for the texts of the scene


def test_a_still_plate_outside_of_every_zone_is_refused_by_that_name() -> None:
    plates = {0: [ScriptedPlate(text="AB1234", box=Box.from_xywh(60, 100, 80, 20))]}
    pipeline = Pipeline(
        reader=ScriptedPlateReader(plates), settings=PipelineSettings(area=Area(zones=(RIGHT,)))
    )
    assert _run(pipeline, _frames({}, 1, is_still=True)) == []
    assert pipeline.stats.refusals == {"out_of_zone": 1}


def test_a_line_that_was_crossed_gives_the_direction() -> None:
    cars, plates = _passing("AB1234", 10, 22)
    against = Area(line=((0.9, 0.5), (0.1, 0.5)))
    pipeline = Pipeline(reader=ScriptedPlateReader(plates), settings=PipelineSettings(area=against))
    (sighting,) = _run(pipeline, _frames(cars, 40))
    assert sighting.direction == "receding"
    assert sighting.evidence["direction"] == "receding"


def test_rules_and_zones_change_between_two_frames() -> None:
    cars, plates = _passing("AB1234", 10, 22)
    again_cars, again_plates = _passing("AB1234", 70, 82)
    cars, plates = {**cars, **again_cars}, {**plates, **again_plates}
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    rules = replace(PipelineSettings().rules, min_confidence=1.0)
    frames = list(_frames(cars, 100))
    pipeline.adjust(rules=rules, area=Area())
    assert [s for frame in frames[:60] for s in pipeline.process(frame)] == []
    assert pipeline.stats.refusals == {"low_confidence": 1}
    pipeline.adjust(rules=PipelineSettings().rules, area=Area(zones=(LEFT,)))
    assert [s.plate for s in _run(pipeline, iter(frames[60:]))] == ["AB1234"]


def test_what_passes_is_in_view_until_it_has_gone() -> None:
    cars, plates = _passing("AB1234", 10, 22)
    pipeline = Pipeline(reader=ScriptedPlateReader(plates))
    seen = []
    for frame in _frames(cars, 40):
        pipeline.process(frame)
        seen.append([plate.text for plate in pipeline.in_view])
    assert seen[9] == []
    assert ["AB1234"] in seen
    assert seen[-1] == []
