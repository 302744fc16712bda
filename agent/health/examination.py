"""Everything the checks need to know of the agent, and all of them at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from agent.health import checks
from agent.health.checks import HealthResult
from agent.health.system import SystemFacts
from vision.pool.budget import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """One look at the agent's parts. `link_is_open` is None where the sender runs elsewhere."""

    frame_age_s: float | None
    watched_s: float
    restarts: int
    source_error: str | None
    source_has_ended: bool
    source_is_held: bool
    sightings_lost: int
    waiting_rows: int
    refused_rows: int
    sqlite_version: str
    link_is_open: bool | None
    link_advice: str
    model_usage: tuple[Usage, ...] = ()


def examine(agent: AgentFacts, system: SystemFacts) -> tuple[HealthResult, ...]:
    """The result of every check."""
    results = [
        checks.check_camera(
            frame_age_s=agent.frame_age_s,
            watched_s=agent.watched_s,
            restarts=agent.restarts,
            last_error=agent.source_error,
            ended=agent.source_has_ended,
            is_held=agent.source_is_held,
        ),
        checks.check_disk(free_bytes=system.disk_free_bytes, total_bytes=system.disk_total_bytes),
        checks.check_memory(
            available_bytes=system.memory_available_bytes, total_bytes=system.memory_total_bytes
        ),
        checks.check_cpu(used_share=system.cpu_used_share),
        checks.check_database(sqlite_version=agent.sqlite_version, refused_rows=agent.refused_rows),
        checks.check_sightings(lost=agent.sightings_lost),
        checks.check_models(agent.model_usage),
    ]
    if agent.link_is_open is not None:
        results.append(
            checks.check_link(
                is_open=agent.link_is_open,
                waiting_rows=agent.waiting_rows,
                advice=agent.link_advice,
            )
        )
    return tuple(results)
