"""Disk, memory, processor, heat and power: judged by the facts, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.health import machine
from agent.health.heat import look_at_heat, parse_throttled
from agent.health.machine import DiskFacts, HeatFacts, MemoryFacts
from agent.health.result import Status
from agent.health.system import look_at_system, parse_pressure

GB = 10**9


@pytest.mark.parametrize(
    ("free", "expected"), [(50, Status.PASS), (9, Status.WARN), (2, Status.FAIL)]
)
def test_disk_warns_before_it_is_full(free: int, expected: Status) -> None:
    result = machine.check_disk(DiskFacts(free_bytes=free * GB, total_bytes=100 * GB))
    assert result.status is expected


def test_disk_below_its_floor_says_that_pictures_go() -> None:
    facts = DiskFacts(free_bytes=40 * GB, total_bytes=100 * GB, floor_bytes=50 * GB)
    result = machine.check_disk(facts)
    assert result.status is Status.WARN
    assert "AGENT_DISK_FLOOR_MB" in result.message


def test_a_full_disk_names_what_makes_room_and_the_floor_it_is_below() -> None:
    facts = DiskFacts(free_bytes=20 * GB, total_bytes=100 * GB, floor_bytes=50 * GB)
    result = machine.check_disk(facts)
    assert result.status is Status.FAIL
    assert "AGENT_DISK_FLOOR_MB asks for 50.0 GB" in result.message
    assert "./cleanup_old_data.sh" in result.message


def test_days_left_end_at_the_quota_where_that_comes_first() -> None:
    facts = DiskFacts(
        free_bytes=100 * GB,
        total_bytes=200 * GB,
        pictures_bytes=GB,
        quota_bytes=3 * GB,
        growth_bytes_a_day=GB / 10,
    )
    assert facts.days_left == pytest.approx(20)
    assert "100 MB more a day, room for 20 days" in machine.check_disk(facts).message


def test_days_left_are_unknown_without_growth() -> None:
    assert DiskFacts(free_bytes=GB, total_bytes=GB).days_left is None


def test_memory_says_what_is_left_out_and_what_waits() -> None:
    facts = MemoryFacts(
        available_bytes=3 * GB,
        total_bytes=4 * GB,
        process_bytes=450_000_000,
        limit_bytes=500_000_000,
        shed=("fewer frames", "smaller pictures"),
        queues=("frames 1 of 1",),
    )
    result = machine.check_memory(facts)
    assert result.status is Status.WARN
    assert "450 MB of 500 MB" in result.message
    assert "fewer frames, smaller pictures" in result.message
    assert "frames 1 of 1" in result.message


def test_memory_beyond_the_limit_fails() -> None:
    facts = MemoryFacts(
        available_bytes=3 * GB, total_bytes=4 * GB, process_bytes=600, limit_bytes=500
    )
    assert machine.check_memory(facts).status is Status.FAIL


def test_memory_that_programs_wait_for_is_a_warning() -> None:
    facts = MemoryFacts(available_bytes=3 * GB, total_bytes=4 * GB, stalled_share=0.3)
    assert machine.check_memory(facts).status is Status.WARN


@pytest.mark.parametrize(
    ("bits", "expected", "said"),
    [
        (0x0, Status.PASS, "50 °C"),
        (0x1, Status.FAIL, "voltage"),
        (0x4, Status.FAIL, "slowed down"),
        (0x8, Status.FAIL, "temperature"),
        (0x50000, Status.WARN, "too little voltage, throttling"),
        (0x80000, Status.WARN, "the temperature limit"),
    ],
)
def test_throttling_is_told_bit_by_bit(bits: int, expected: Status, said: str) -> None:
    result = machine.check_temperature(HeatFacts(temperature_c=50, throttled=bits))
    assert result.status is expected
    assert said in result.message


@pytest.mark.parametrize(
    ("celsius", "expected"), [(None, Status.PASS), (78, Status.WARN), (90, Status.FAIL)]
)
def test_heat_is_judged_where_it_is_measured(celsius: float | None, expected: Status) -> None:
    assert machine.check_temperature(HeatFacts(temperature_c=celsius)).status is expected


def test_the_hottest_zone_counts_and_one_that_does_not_answer_is_passed_over(
    tmp_path: Path,
) -> None:
    for number, text in enumerate(("41000\n", "63500\n", "")):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "temp").write_text(text, encoding="ascii")
    facts = look_at_heat(tmp_path, firmware_tool="no-such-tool")
    assert facts == HeatFacts(temperature_c=63.5, throttled=None)


def test_the_firmware_tool_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "vcgencmd"
    tool.write_text('#!/bin/sh\n[ "$1" = get_throttled ] && echo throttled=0x50005\n', "ascii")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert look_at_heat(tmp_path).throttled == 0x50005


def test_what_is_no_answer_of_the_firmware_is_no_fact() -> None:
    assert parse_throttled("VCHI initialization failed") is None


def test_pressure_is_a_share_of_the_last_ten_seconds() -> None:
    said = (
        "some avg10=12.50 avg60=3.00 avg300=1.00 total=1\nfull avg10=1.00 avg60=0 avg300=0 total=0"
    )
    assert parse_pressure(said) == pytest.approx(0.125)
    assert parse_pressure("") is None


def test_this_machine_can_be_looked_at_also_for_a_folder_that_is_not_there_yet(
    tmp_path: Path,
) -> None:
    facts = look_at_system(tmp_path / "not" / "there", cpu_used_share=0.25)
    assert 0 < facts.process_memory_bytes < facts.memory_total_bytes
    older = {"python_version", "platform", "memory_usage", "cpu_usage"}
    assert older <= set(facts.as_message())
    assert facts.as_message()["cpu_usage"] == "25%"


def test_the_message_tells_the_temperature_where_there_is_a_sensor(tmp_path: Path) -> None:
    facts = look_at_system(tmp_path, cpu_used_share=0.25)
    assert facts.as_message(temperature_c=61.25)["temperature_c"] == "61.2"
    assert "temperature_c" not in facts.as_message()
