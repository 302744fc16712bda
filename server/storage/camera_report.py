"""What a camera said of itself in `system_info` (wire/README.md). It may say anything: this never
fails, and what is not understood is not known."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from server.storage.evidence import number_of
from server.storage.reading.cameras import CameraReport
from server.storage.times import moment_of

_NUMBER: Final = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?(?!\d)", re.ASCII)
_RANGE: Final = re.compile(r"(\d{1,15})(?:-(\d{1,15}))?", re.ASCII)
_THROTTLED: Final = (
    (0, "too little voltage"),
    (2, "slowed down"),
    (3, "at its temperature limit"),
    (1, "clock capped"),
)
"""Bits of `vcgencmd get_throttled` that tell of now (raspberrypi.com, documentation)."""


def said_of(system_info: str | None) -> Mapping[str, Any]:
    """The object in `system_info`; empty where it is none."""
    try:
        said = json.loads(system_info or "{}")
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def report_of(said: Mapping[str, Any], at: datetime) -> CameraReport:
    """Of a row captured `at`."""
    return CameraReport(
        at=at,
        version=_text(said.get("agent_version")),
        temperature_c=_number(said.get("temperature_c")),
        throttled=_throttled(said.get("throttled")),
        clock_offset_s=_number(said.get("clock_offset_s")),
        captured=_count(said.get("rows_captured")),
        acknowledged=_count(said.get("rows_acknowledged")),
        waiting=_count(said.get("rows_waiting")),
        refused=_count(said.get("rows_refused")),
        evicted=_count(said.get("rows_evicted")),
        last_sequence=_count(said.get("last_sequence")),
        oldest_waiting_at=moment_of(said.get("oldest_waiting_at")),
        refused_sequences=_ranges(said.get("refused_sequences")),
    )


def _text(value: Any) -> str | None:
    return value[:64] if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    """Of a number, or a text that begins with one, as `61.2` or `45%` do."""
    if isinstance(value, str) and (found := _NUMBER.match(value.strip())):
        return float(found.group())
    return number_of(value)


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number >= 0 else None


def _throttled(value: Any) -> tuple[str, ...]:
    try:
        bits = int(value, 16) if isinstance(value, str) else 0
    except ValueError:
        return ()
    return tuple(words for bit, words in _THROTTLED if bits & 1 << bit)


def _ranges(value: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, str):
        return ()
    found = [_RANGE.fullmatch(part.strip()) for part in value[:4096].split(",")]
    read = [(int(each[1]), int(each[2] or each[1])) for each in found if each]
    return tuple((first, last) for first, last in read if first <= last)
