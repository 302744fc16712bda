"""Figures of hardware that is not here: an accelerator's use, and a Raspberry Pi held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.figures import AcceleratorLoad, found
from agent.health.delivering import LinkFacts
from agent.health.examination import Findings
from agent.health.keeping import ClockFacts, DatabaseFacts, EvictionFacts
from agent.health.machine import DiskFacts, HeatFacts, MemoryFacts

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FINDINGS = Findings(
    database=DatabaseFacts(sqlite_version="3.54.0"),
    evictions=EvictionFacts(),
    link=LinkFacts(is_open=True, state="open"),
    clock=ClockFacts(is_synchronised=True),
    disk=DiskFacts(free_bytes=1, total_bytes=2),
    memory=MemoryFacts(available_bytes=1, total_bytes=2),
    cpu_used_share=0.5,
    heat=HeatFacts(),
)


def values(findings: Findings) -> dict[tuple[str, ...], object]:
    return {(r.metric.name, *r.labels): r.value for r in found(findings, now=NOW)}


def test_use_of_an_accelerator_is_measured_over_some_seconds() -> None:
    load = AcceleratorLoad()
    assert load.percent({"hailo": 100.0}, 50.0) == {}
    assert load.percent({"hailo": 101.0}, 52.0) == {}  # too soon to say
    assert load.percent({"hailo": 104.0}, 60.0) == pytest.approx({"hailo": 40.0})
    assert load.percent({"hailo": 104.9}, 61.0) == pytest.approx({"hailo": 40.0})
    assert load.percent({"hailo": 3.0, "cuda": 9.0}, 70.0) == {"hailo": 0.0}  # loaded anew


@pytest.mark.parametrize(
    ("bits", "causes"),
    [
        (0x0, set()),
        (0x50000, set()),  # it was so once
        (0x50005, {"undervoltage", "throttled"}),
        (0xA, {"frequency_capped", "temperature_limit"}),
    ],
)
def test_what_holds_the_processor_back_now_is_told(bits: int, causes: set[str]) -> None:
    said = values(replace(FINDINGS, heat=HeatFacts(temperature_c=81.5, throttled=bits)))
    assert said["sightpost_machine_temperature_celsius",] == 81.5
    name = "sightpost_machine_throttled"
    throttled = {labels[1]: value for labels, value in said.items() if labels[0] == name}
    assert len(throttled) == 4
    assert {cause for cause, value in throttled.items() if value} == causes


def test_what_no_sensor_tells_is_absent() -> None:
    names = {name for name, *_ in values(FINDINGS)}
    assert "sightpost_machine_temperature_celsius" not in names
    assert "sightpost_machine_throttled" not in names


def test_age_of_the_backlog_is_zero_where_nothing_waits() -> None:
    oldest = LinkFacts(
        is_open=False, state="offline", waiting_rows=3, oldest_at=NOW - timedelta(hours=2)
    )
    assert (
        values(replace(FINDINGS, link=oldest))["sightpost_outbox_oldest_waiting_seconds",] == 7200
    )
    assert values(FINDINGS)["sightpost_outbox_oldest_waiting_seconds",] == 0
