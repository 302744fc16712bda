"""What an agent says of its rows is what the centre reads, and what wire/README.md names."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import wire
from agent.health.account import Account
from agent.health.system import SystemFacts
from server.storage.camera_report import report_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = Account(
    captured=12,
    acknowledged=6,
    waiting=2,
    refused=3,
    evicted=1,
    last_sequence=40,
    refused_sequences=(3, 4, 9),
    oldest_waiting_at=AT,
    offset_s=-0.25,
    throttled=0x50005,
)
SYSTEM = SystemFacts(
    disk_free_bytes=1,
    disk_total_bytes=2,
    memory_available_bytes=1,
    memory_total_bytes=2,
    cpu_used_share=0.5,
    process_memory_bytes=1,
)


def test_the_centre_reads_what_the_agent_says() -> None:
    said = {**ACCOUNT.as_message(), **SYSTEM.as_message(temperature_c=61.25)}
    report = report_of({**said, "agent_version": "0.2.0"}, AT)
    for name in ("captured", "acknowledged", "waiting", "refused", "evicted", "last_sequence"):
        assert getattr(report, name) == getattr(ACCOUNT, name)
    assert report.refused_sequences == ((3, 4), (9, 9))
    assert (report.oldest_waiting_at, report.clock_offset_s) == (AT, -0.25)
    assert report.throttled == ("too little voltage", "slowed down")
    assert (report.version, report.temperature_c) == ("0.2.0", 61.2)


def test_the_page_of_the_wire_names_every_key() -> None:
    text = (Path(wire.__file__).parent / "README.md").read_text(encoding="utf-8")
    section = text.partition("### What a camera says of itself")[2].partition("\n### ")[0]
    named = {
        key
        for row in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", row)
    }
    said = {**ACCOUNT.as_message(), **SYSTEM.as_message(temperature_c=1.0), "agent_version": ""}
    assert set(said) == named
