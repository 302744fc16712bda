"""Looks at the parts of the running agent for its health checks; decides nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence

import apsw

from agent.camera.capture_thread import CaptureThread
from agent.config import AgentSettings
from agent.health.checks import HealthResult
from agent.health.examination import AgentFacts, examine
from agent.health.system import look_at_system
from agent.outbox.store import Outbox
from agent.uplink.sender import Sender
from agent.watcher import Watcher
from vision.pool.budget import Usage


def examine_agent(
    settings: AgentSettings,
    outbox: Outbox,
    capture: CaptureThread,
    watcher: Watcher,
    sender: Sender | None,
    model_usage: Sequence[Usage],
) -> tuple[Sequence[HealthResult], dict[str, str]]:
    """Every health check, and the system's facts."""
    system = look_at_system(settings.db_path.absolute().parent)
    stats = capture.stats
    counts = outbox.counts()
    link = sender.status.link if sender is not None else None
    facts = AgentFacts(
        frame_age_s=None if stats.newest_at_s is None else time.monotonic() - stats.newest_at_s,
        watched_s=watcher.watched_s(),
        restarts=stats.restarts,
        source_error=stats.last_error,
        source_has_ended=watcher.has_ended,
        source_is_held=stats.is_held,
        sightings_lost=watcher.sightings_lost,
        waiting_rows=counts.waiting,
        refused_rows=counts.refused,
        sqlite_version=apsw.sqlite_lib_version(),
        link_is_open=None if link is None else link.is_open,
        link_advice="" if link is None else link.advice,
        model_usage=tuple(model_usage),
    )
    return examine(facts, system), system.as_message()
