"""Health over time as numbers that a page draws."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.web import charts

DAY = (1_000_000.0, 1_086_400.0)


def _check(at_s: float, status: str = "PASS", component: str = "camera", **info: str) -> Any:
    moment = datetime.fromtimestamp(at_s, UTC).astimezone().isoformat()
    return {"timestamp": moment, "component": component, "status": status, "system_info": info}


def test_neighbouring_checks_of_one_state_are_one_stretch() -> None:
    start, _ = DAY
    states = ("PASS", "PASS", "FAIL", "FAIL", "PASS")
    checks = [_check(start + n * 17_280, status) for n, status in enumerate(states)]
    (found,) = charts.stretches(reversed(checks), span=DAY).values()
    assert [stretch.status for stretch in found] == ["PASS", "FAIL", "PASS"]
    assert [stretch.x for stretch in found] == pytest.approx([0, 96, 192])
    assert sum(stretch.width for stretch in found) == pytest.approx(charts.WIDTH)


def test_components_are_apart_and_what_lies_outside_is_left_out() -> None:
    start, end = DAY
    checks = [_check(start + 5), _check(start + 6, component="disk"), _check(end + 5, "FAIL")]
    found = charts.stretches(checks, span=DAY)
    assert list(found) == ["camera", "disk"]
    assert [stretch.status for stretch in found["camera"]] == ["PASS"]


def test_numbers_are_taken_out_of_what_the_message_says() -> None:
    checks = [
        _check(DAY[0] + 20, cpu_usage="12%"),
        _check(DAY[0] + 20, cpu_usage="12%", component="disk"),
        _check(DAY[0] + 10, cpu_usage="7.5%"),
        _check(DAY[0] + 30, cpu_usage="unknown"),
        {**_check(0), "timestamp": "yesterday"},
    ]
    assert charts.measures(checks, "cpu_usage") == [(DAY[0] + 10, 7.5), (DAY[0] + 20, 12.0)]


def test_a_line_runs_from_left_to_right_and_up_with_its_values() -> None:
    samples = [(DAY[1], 100.0), (DAY[0], 0.0)]
    line = charts.line("Processor", "%", samples, span=DAY, limits=(0, 100))
    assert line is not None
    assert line.points == f"0.0,{charts.HEIGHT - 2}.0 {charts.WIDTH}.0,2.0"
    assert (line.latest, line.lowest, line.highest) == (100, 0, 100)


def test_one_value_is_no_line_and_equal_values_are_a_flat_one() -> None:
    assert charts.line("Processor", "%", [(DAY[0], 1.0)], span=DAY) is None
    flat = charts.line("Processor", "%", [(DAY[0], 5.0), (DAY[1], 5.0)], span=DAY)
    assert flat is not None
    assert flat.points.split(" ")[0].split(",")[1] == flat.points.split(" ")[1].split(",")[1]


@pytest.mark.parametrize(
    ("first_s", "words"),
    [(DAY[1] - 60, "10 minutes"), (DAY[1] - 7_300, "2 hours"), (0.0, "24 hours")],
)
def test_the_span_begins_with_the_first_check(first_s: float, words: str) -> None:
    checks = [_check(first_s)]
    span = charts.span_of(checks, longest_s=86_400, now_s=DAY[1])
    assert charts.length_in_words(span) == words
