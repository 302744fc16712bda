"""How the pipeline's figures are told: every five minutes in a line, at the end as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from agent.pipeline.statistics import RefusedPlate, SummaryTimer, Tally, report, summary
from vision.performance import Kind, Performance


def _refused(text: str) -> RefusedPlate:
    return RefusedPlate(
        text=text,
        confidence=0.7,
        reason="same_passage",
        readings=2,
        captured_at=datetime(2026, 1, 1, 12, tzinfo=UTC),
    )


def _tally() -> Tally:
    ticks = iter(range(10**6))
    performance = Performance(lambda: next(ticks) / 1000)
    tally = Tally(performance)
    with tally.stage("frame"), tally.method("follow") as look:
        look.is_success = False
    tally.took("read.detect", 12.34567)
    tally.frames, tally.reads = 3, 1
    tally.refuse_plate(_refused("AB1234"))
    performance.took(Kind.MODEL, "reader", 7.0)
    with pytest.raises(ValueError, match="broken"), performance.measure(Kind.MODEL, "reader"):
        raise ValueError("broken")
    return tally


def test_the_summary_is_short_and_names_what_fails() -> None:
    said = summary(_tally().snapshot())
    assert said["frames"] == 3
    assert said["refused"] == 1
    assert said["frame"] == "3.0/3.0ms"
    assert said["reader"] == "4.0/7.0ms(50.0%)"
    assert "read.detect" not in said


def test_the_report_is_one_line_of_json_with_every_figure() -> None:
    text = report(_tally().snapshot())
    assert "\n" not in text
    told = json.loads(text)
    assert told["refusals"] == {"same_passage": 1}
    assert told["stages"]["read.detect"]["p95_ms"] == 12.346
    assert told["methods"]["follow"]["success_rate"] == 0.0
    assert told["models"]["reader"]["last_error"] == "ValueError: broken"


def test_the_last_plates_that_were_refused_are_kept_and_stay_out_of_the_log() -> None:
    tally = _tally()
    assert "AB1234" not in report(tally.snapshot())
    for number in range(30):
        tally.refuse_plate(_refused(f"N{number}"))
    stats = tally.snapshot()
    assert stats.refused == 31
    assert [one.text for one in stats.latest_refused] == [f"N{n}" for n in range(29, 5, -1)]


def test_a_summary_is_due_every_five_minutes_in_which_there_were_frames() -> None:
    now_s = [0.0]
    timer = SummaryTimer(lambda: now_s[0])
    due = []
    for second in range(1200):
        now_s[0] = float(second)
        if timer.is_due(10 * min(second, 700)):
            due.append(second)
    assert due == [300, 600, 900]  # the frames of 600 to 700; then none came
    assert not timer.is_due(7000, at_end=True)
    assert timer.is_due(7001, at_end=True)
    assert not timer.is_due(7001, at_end=True)
