"""Which of the server's resources is short now, and what to do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server.web.health import DetailedHealth

BUSY: Final = 0.85
"""Of a resource, 0..1: more is told."""
FULL: Final = 0.97
"""From here on it holds things up; a disk so full raises an alert."""
SLOW_MS: Final = 250.0
STUCK_MS: Final = 1000.0
"""For the least question to the database."""
_GB: Final = 1e9


class Level(StrEnum):
    """How short; as pages mark it."""

    ENOUGH = ""
    SHORT = "warn"
    USED_UP = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """`value` is short, for a tile; `advice` what helps where it is short."""

    name: str
    value: str
    level: Level
    advice: str


def resources_of(health: DetailedHealth) -> tuple[Resource, ...]:
    """All of which the server measures something."""
    cpu, memory, disk, queue = health.cpu, health.memory, health.disk, health.queue
    return (
        _filled(
            f"of the processor ({cpu.cores} cores)",
            cpu.percent / 100,
            advice="see what else runs on the machine; several processes of the server share its "
            "work (docs/scaling.md)",
        ),
        _filled(
            f"of {memory.total_bytes / _GB:,.1f} GB memory",
            1 - memory.available_bytes / memory.total_bytes,
            advice=f"this server holds {memory.process_bytes / _GB:.1f} GB of it: see what else "
            "runs on the machine, or lower SERVER_MEMORY_BUDGET_MB",
        ),
        _filled(
            f"of the disk ({disk.free_bytes / _GB:,.1f} GB free)",
            1 - disk.free_bytes / disk.total_bytes,
            advice="give up what is old (python -m server prune, SERVER_RETENTION_DAYS), or take a "
            "larger disk",
        ),
        _database(health),
        _filled(
            "of the room for rows",
            queue.used_bytes / queue.limit_bytes,
            advice=f"{queue.waiting_rows:,} rows wait: cameras send faster than the database takes "
            "them, and are held back: look at the disk and the database",
        ),
    )


def _database(health: DetailedHealth) -> Resource:
    took_ms = health.database_state.answered_in_ms
    if took_ms is None:
        reason = health.database_state.reason or "it does not answer"
        return Resource(
            name="from the database", value="no answer", level=Level.USED_UP, advice=reason
        )
    return Resource(
        name="until the database answers",
        value=f"{took_ms:,.0f} ms",
        level=_level(took_ms, SLOW_MS, STUCK_MS),
        advice="its disk is slow or busy, or another program holds it",
    )


def _filled(name: str, used: float, *, advice: str) -> Resource:
    return Resource(name=name, value=f"{used:.0%}", level=_level(used, BUSY, FULL), advice=advice)


def _level(value: float, short: float, used_up: float) -> Level:
    if value >= used_up:
        return Level.USED_UP
    return Level.SHORT if value >= short else Level.ENOUGH
