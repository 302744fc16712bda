"""Checks of what keeps: database, what was given up, and the clock. Facts in, results out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agent.health.result import HealthResult, failed, passed, warned
from agent.span import spoken

LARGE_LOG_BYTES: Final = 256 * 1024 * 1024
RECENT: Final = timedelta(days=1)
FIXED_SQLITE: Final = (3, 51, 3)
"""The first version without the WAL-reset bug (sqlite.org/wal.html)."""
_AGAINST: Final = {
    "quota": "mend the link, or raise AGENT_DISK_QUOTA_MB",
    "free_space": "make room on the disk (./cleanup_old_data.sh), or lower AGENT_DISK_FLOOR_MB",
    "disk_full": "make room on the disk now (./cleanup_old_data.sh)",
    "corrupt_database": "check card, disk and power supply",
}
"""What to do, by the reason that a note gives."""
OFFSET_WARNING_S: Final = 5.0
OFFSET_FAILURE_S: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """One look at the database: `fault` with its remedy where it cannot be used.

    `checked_at` is when it was last found sound. `has_begun`: there is a file. `is_older`: it is
    the older system's, not adopted yet.
    """

    sqlite_version: str
    has_begun: bool = True
    is_older: bool = False
    fault: str | None = None
    size_bytes: int = 0
    log_bytes: int = 0
    checked_at: datetime | None = None
    refused_rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictionFacts:
    """What was given up: rows that the server never had, ever, and the newest note of any kind
    with its reason, as the server is told it."""

    rows: int = 0
    newest_at: datetime | None = None
    newest: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockFacts:
    """`offset_s` is the server's time less ours, None where no server has said its time."""

    is_synchronised: bool
    offset_s: float | None = None


def check_database(facts: DatabaseFacts, *, now: datetime) -> HealthResult:
    """That it can be used, is sound, and its write-ahead log is moved into it."""
    if not facts.has_begun:
        return warned("database", "there is none yet: 'python -m agent run' makes it")
    if facts.fault is not None:
        return failed("database", facts.fault)
    if facts.is_older:
        return warned("database", "the older system's: the next start backs it up and adopts it")
    text = f"SQLite {facts.sqlite_version}, {_mb(facts.size_bytes)}, log {_mb(facts.log_bytes)}"
    if facts.checked_at is None:
        text += ", not checked yet"
    else:
        text += f", found sound {spoken(now - facts.checked_at)} ago"
    if _version(facts.sqlite_version) < FIXED_SQLITE:
        text += ": this SQLite may lose rows (the WAL-reset bug), install requirements.txt anew"
        return failed("database", text)
    if facts.refused_rows:
        text += f"; the server refused {facts.refused_rows} rows: see send_error in the database, "
        return warned("database", f"{text}then 'python -m agent send --retry-refused'")
    if facts.log_bytes > LARGE_LOG_BYTES:
        text += ": the log grows, so some program holds a read open: stop it"
        return warned("database", text)
    return passed("database", text)


def check_evictions(facts: EvictionFacts, *, now: datetime) -> HealthResult:
    """Whether the disk was so short that something had to go."""
    if facts.newest_at is None:
        return passed("evictions", "nothing was ever given up")
    total = f"; {facts.rows} rows in all never reached the server" if facts.rows else ""
    text = f"{spoken(now - facts.newest_at)} ago: {facts.newest}{total}"
    if now - facts.newest_at < RECENT:
        advice = _AGAINST.get(facts.reason, "see log/app.log")
        return warned("evictions", f"given up {text}: {advice}")
    return passed("evictions", f"last given up {text}")


def check_clock(facts: ClockFacts) -> HealthResult:
    """Synchronised, and near the server's time."""
    text = "set by a time service" if facts.is_synchronised else "not set by any time service"
    if facts.offset_s is not None:
        text += f", {abs(facts.offset_s):.1f} s {'behind' if facts.offset_s > 0 else 'ahead of'}"
        text += " the server"
        if abs(facts.offset_s) > OFFSET_FAILURE_S:
            return failed("clock", f"{text}: sightings bear wrong times; set up NTP here or there")
        if abs(facts.offset_s) > OFFSET_WARNING_S:
            return warned("clock", f"{text}: set up NTP here or there")
    if not facts.is_synchronised:
        return warned("clock", f"{text}: allow NTP, or see 'timedatectl'")
    return passed("clock", text)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdecimal())


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
