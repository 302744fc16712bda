"""The figures that the passage benchmark prints are the right ones."""

from __future__ import annotations

import argparse

import pytest

from agent.camera.synthetic.schedule import Passage
from benchmarks.passage_score import Score, Seen, score
from benchmarks.passages import Job, Run, jobs, report, verdict, watch


def _passage(plate: str, first: int, *, direction: str = "approaching") -> Passage:
    return Passage(
        id=plate,
        number=0,
        plate=plate,
        region="de",
        lane=0,
        direction=direction,
        first_frame=first,
        last_frame=first + 10,
    )


def _seen(plate: str, frame: int, direction: str | None = "approaching") -> Seen:
    return Seen(plate=plate, frame=frame, direction=direction)


TRUTH = (_passage("AB1234", 10), _passage("CD5678", 12), _passage("EF9012", 100))


def test_every_kind_of_sighting_is_counted_once() -> None:
    sightings = (
        _seen("AB1234", 15),
        _seen("AB1234", 18),  # twice
        _seen("CD5678", 15, "receding"),  # the wrong way
        _seen("EF901", 105),  # one character short
        _seen("ZZ0000", 15),  # nobody's
        _seen("AB1234", 60),  # when it was long gone
    )
    found = score(TRUTH, sightings, cooldown_frames=300)
    assert (found.passages, found.found, found.exact, found.turned) == (3, 3, 2, 1)
    assert (found.duplicated, found.false) == (1, 2)
    assert "EF9012 read EF901" in found.wrong


def test_what_was_not_reported_is_missed() -> None:
    found = score(TRUTH, (_seen("AB1234", 15),), cooldown_frames=300)
    assert (found.found, found.exact) == (1, 1)
    assert "CD5678 at frame 12 missed" in found.wrong


@pytest.mark.parametrize(("gap", "wanted"), [(200, 1), (400, 2)])
def test_a_vehicle_that_is_back_within_the_cooldown_is_one_passage(gap: int, wanted: int) -> None:
    truth = (_passage("AB1234", 10), _passage("AB1234", 20 + gap, direction="receding"))
    both = (_seen("AB1234", 15), _seen("AB1234", 25 + gap, "receding"))
    found = score(truth, both, cooldown_frames=300)
    assert (found.passages, found.found, found.duplicated) == (wanted, wanted, 2 - wanted)
    assert found.turned == 0


def test_a_plate_that_stands_in_the_scene_may_be_reported_once() -> None:
    found = score((), (_seen("GG1", 5), _seen("GG1", 50)), cooldown_frames=300, once=("GG1",))
    assert found.false == 1


def test_two_vehicles_at_a_time_are_told_apart_by_their_text() -> None:
    found = score(TRUTH, (_seen("CD5679", 15), _seen("AB1234", 15)), cooldown_frames=300)
    assert (found.found, found.exact, found.false) == (2, 1, 0)


def test_missed_aims_are_named() -> None:
    good = Run(score=Score(passages=100, found=100, exact=100))
    assert verdict({("flow", "day"): good, ("empty", "mixed"): Run()}) == []
    slow = Run(frames=100, stage_ms={"frame": 600.0})
    assert verdict({("static", "day"): slow}) == [
        "a static scene took 6.0% of a core, the aim is 5%"
    ]
    poor = Run(score=Score(passages=100, found=97, exact=96, duplicated=1))
    lines = verdict({("flow", "day"): poor, ("empty", "mixed"): Run(score=Score(false=1))})
    assert [line.split()[0] for line in lines] == ["found", "exact", "duplicated", "1"]


def test_the_jobs_cover_every_seed_scene_and_light() -> None:
    options = argparse.Namespace(
        first_seed=4,
        seeds=2,
        scenes=["flow", "halts"],
        lights=["day", "night"],
        vehicles=3,
        threads=1,
        empty_minutes=1.0,
    )
    wanted = list(jobs(options))
    assert len(wanted) == 2 * 2 * 2 + 2
    assert wanted[0].address == "synthetic:?vehicles=3&seed=4&night=0"
    assert "seconds=60" in wanted[-1].address


def test_a_real_run_is_watched_and_reported() -> None:
    address = "synthetic:?vehicles=1&seed=4&night=0&width=960&height=540"
    run = watch(Job(scene="flow", light="day", address=address, threads=1))
    assert (run.score.passages, run.score.found, run.score.false) == (1, 1, 0)
    assert sum(run.looks.values()) > 2
    assert set(run.runs) == {"pp-ocrv6-det-small", "pp-ocrv6-rec-small"}
    assert run.ms_a_frame > 0
    (row,) = report({("flow", "day"): run})["scenes"]
    assert row["shares"]["found"]["share"] == 1.0
    assert {"frame", "motion", "read"} <= set(row["cpu_ms_a_frame"])
