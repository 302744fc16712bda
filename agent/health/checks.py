"""One function for each component: facts in, PASS, WARN or FAIL with a sentence out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vision.pool.budget import Usage, amount

STALE_FRAME_S: Final = 10.0
DEAD_FRAME_S: Final = 60.0
LOW_DISK_SHARE: Final = 0.10
FULL_DISK_SHARE: Final = 0.03
OLD_BACKLOG_ROWS: Final = 1000
HIGH_MEMORY_SHARE: Final = 0.90
HIGH_CPU_SHARE: Final = 0.95


class Status(StrEnum):
    """The three states, by the names that the older system wrote."""

    PASS = "PASS"  # noqa: S105 - a status, not a password
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthResult:
    """What one check found; `message` says what it saw and, unless PASS, what to do."""

    component: str
    status: Status
    message: str


def check_camera(
    *,
    frame_age_s: float | None,
    watched_s: float,
    restarts: int,
    last_error: str | None,
    ended: bool,
    is_held: bool = False,
) -> HealthResult:
    """By the age of the newest frame, not by an open device: a hung camera is open too.

    `watched_s` is how long the source has been open; some need a few seconds for a first frame.
    """
    if ended:
        return _result("camera", Status.PASS, "the source has ended")
    if is_held:
        return _result("camera", Status.WARN, "an operator has stopped it: start it at the page")
    again = f"; restarted {restarts} times" if restarts else ""
    if frame_age_s is None and watched_s < STALE_FRAME_S:
        return _result("camera", Status.PASS, "the source is being opened")
    if frame_age_s is None:
        why = last_error or "no frame yet"
        return _result("camera", Status.FAIL, f"{why}: check cable, power and AGENT_SOURCE{again}")
    if frame_age_s > DEAD_FRAME_S:
        why = f" ({last_error})" if last_error else ""
        text = f"no frame for {frame_age_s:.0f} s{why}: check cable and power{again}"
        return _result("camera", Status.FAIL, text)
    if frame_age_s > STALE_FRAME_S:
        return _result("camera", Status.WARN, f"newest frame is {frame_age_s:.0f} s old{again}")
    return _result("camera", Status.PASS, f"newest frame is {frame_age_s:.1f} s old{again}")


def check_disk(*, free_bytes: int, total_bytes: int) -> HealthResult:
    """Free space of the file system that holds database and pictures."""
    share = free_bytes / total_bytes if total_bytes else 0.0
    text = f"{free_bytes / 1e9:.1f} GB of {total_bytes / 1e9:.1f} GB free"
    if share < FULL_DISK_SHARE:
        return _result("disk", Status.FAIL, f"{text}: make room now, sightings will not fit")
    if share < LOW_DISK_SHARE:
        return _result("disk", Status.WARN, f"{text}: make room soon")
    return _result("disk", Status.PASS, text)


def check_memory(*, available_bytes: int, total_bytes: int) -> HealthResult:
    """Memory that programs can still get."""
    share = 1 - available_bytes / total_bytes if total_bytes else 1.0
    text = f"{share:.0%} of {total_bytes / 1e9:.1f} GB used"
    if share > HIGH_MEMORY_SHARE:
        return _result("memory", Status.WARN, f"{text}: stop other programs or add memory")
    return _result("memory", Status.PASS, text)


def check_cpu(*, used_share: float) -> HealthResult:
    """Processor time of all cores since the last look, 0..1."""
    text = f"{used_share:.0%} used"
    if used_share > HIGH_CPU_SHARE:
        return _result("cpu", Status.WARN, f"{text}: frames are dropped; lower the frame rate")
    return _result("cpu", Status.PASS, text)


def check_link(*, is_open: bool, waiting_rows: int, advice: str) -> HealthResult:
    """The way to the server, and what has piled up before it."""
    if not is_open:
        why = advice or "not connected yet"
        return _result("link", Status.WARN, f"{why}; {waiting_rows} rows wait, none is lost")
    if waiting_rows > OLD_BACKLOG_ROWS:
        return _result("link", Status.WARN, f"connected; {waiting_rows} rows still wait")
    return _result("link", Status.PASS, f"connected; {waiting_rows} rows wait")


def check_database(*, sqlite_version: str, refused_rows: int) -> HealthResult:
    """The outbox answers (or this check would not have its facts); refused rows need a person."""
    if refused_rows:
        text = f"{refused_rows} rows were refused by the server: see send_error in the database"
        return _result("database", Status.WARN, text)
    return _result("database", Status.PASS, f"SQLite {sqlite_version}")


def check_sightings(*, lost: int) -> HealthResult:
    """Sightings that were seen and could not be made durable."""
    if lost:
        text = f"{lost} sightings could not be stored and are lost: check disk and permissions"
        return _result("sightings", Status.FAIL, text)
    return _result("sightings", Status.PASS, "every sighting was stored")


def check_models(usage: Sequence[Usage]) -> HealthResult:
    """What loaded models take of the memory set apart for them, by device."""
    held = [
        f"{amount(one.used, one.device)} of {amount(one.capacity, one.device)} on {one.device}"
        for one in usage
        if one.used
    ]
    text = f"models take {', '.join(held) or 'nothing'}"
    if any(one.is_high for one in usage):
        return _result(
            "models", Status.WARN, f"{text}: use smaller models or raise AGENT_MODEL_MEMORY_SHARE"
        )
    return _result("models", Status.PASS, text)


def _result(component: str, status: Status, message: str) -> HealthResult:
    return HealthResult(component=component, status=status, message=message)
