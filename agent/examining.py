"""Looks at the parts of the running agent for its health checks; decides nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.building import limits_of
from agent.camera.easing import EasedFrames
from agent.camera.keeper import CameraKeeper
from agent.clock import Clock
from agent.config import AgentSettings
from agent.health.accelerator import look_at_accelerator
from agent.health.account import Account
from agent.health.delivering import LinkFacts
from agent.health.examination import Findings, examine
from agent.health.heat import look_at_heat
from agent.health.keeping import ClockFacts, DatabaseFacts, EvictionFacts
from agent.health.machine import DiskFacts, MemoryFacts
from agent.health.recognising import ModelFacts, ReaderFacts
from agent.health.result import HealthResult
from agent.health.system import (
    SystemFacts,
    look_at_system,
    process_memory_bytes,
    stalled_share,
)
from agent.health.watching import AgentFacts, CameraFacts, PipelineFacts
from agent.live import LivePipeline
from agent.lock import holder_of, sender_lock_of
from agent.memory import MemoryKeeper
from agent.network_sets import NetworkSets
from agent.outbox.inspection import Inspection, inspect
from agent.outbox.store import Outbox
from agent.pipeline.renewal import RenewedPipeline
from agent.uplink.sender import Sender
from agent.watcher import HELD_SIGHTINGS, Watcher
from agent.web.port import PagePort
from telemetry.processor_load import LoadSince
from telemetry.version import VERSION

LEFT_TO_OTHERS: Final = "left to 'agent send'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The parts that look, from the camera to the outbox."""

    capture: CameraKeeper
    frames: EasedFrames
    pipeline: RenewedPipeline
    live: LivePipeline
    watcher: Watcher
    memory: MemoryKeeper
    networks: NetworkSets


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found last; `at_s` is monotonic."""

    findings: Findings
    at_s: float


class Examiner:
    """Every fact of one running agent. `examine` blocks a little and is for one thread; `newest`
    may be read from any."""

    def __init__(
        self,
        settings: AgentSettings,
        seen: Seen,
        *,
        outbox: Outbox,
        sender: Sender | None,
        clock: Clock,
        page: PagePort,
    ) -> None:
        self._settings = settings
        self._seen = seen
        self._outbox = outbox
        self._sender = sender
        self._clock = clock
        self._page = page
        self._processor = LoadSince()
        self.newest: Examined | None = None
        self._accelerator = look_at_accelerator(models_folder=settings.models_dir)

    def examine(self) -> tuple[Sequence[HealthResult], dict[str, str]]:
        """Every result, and the system's facts."""
        settings, now = self._settings, self._clock.now()
        system = look_at_system(
            settings.db_path.absolute().parent, cpu_used_share=self._processor.share()
        )
        inspection = inspect(settings.db_path, settings.images_dir, now)
        findings = Findings(
            camera=self._camera(),
            pipeline=self._pipeline(),
            sightings_lost=self._seen.watcher.sightings_lost,
            agent=self._agent(),
            reader=self._reader(),
            models=tuple(
                ModelFacts(name=name, is_needed=True)
                for name in self._seen.pipeline.model.split("+")
            ),
            model_usage=self._seen.networks.usage(),
            accelerator=self._accelerator,
            database=database_facts(inspection),
            evictions=eviction_facts(inspection),
            link=self._link(inspection),
            clock=ClockFacts(
                is_synchronised=self._clock.state() == "synchronised",
                offset_s=self._sender.status.server_offset_s if self._sender else None,
            ),
            disk=disk_facts(settings, system, inspection, self._outbox.spool.size_bytes),
            memory=self._memory(system),
            cpu_used_share=system.cpu_used_share,
            heat=look_at_heat(),
        )
        self.newest = Examined(findings=findings, at_s=time.monotonic())
        return examine(findings, now=now), {
            **system.as_message(temperature_c=findings.heat.temperature_c),
            **account_of(findings, inspection),
            "agent_version": VERSION,
        }

    def keep_memory(self) -> None:
        """Sheds or takes up work by how much memory there is."""
        self._seen.memory.look(process_bytes=process_memory_bytes(), stalled_share=stalled_share())

    def _camera(self) -> CameraFacts:
        capture, watcher = self._seen.capture, self._seen.watcher
        stats, ladder = capture.stats, capture.ladder
        age_s = None if stats.newest_at_s is None else time.monotonic() - stats.newest_at_s
        return CameraFacts(
            frame_age_s=age_s if age_s is None else min(age_s, capture.silent_s()),
            watched_s=capture.silent_s(),
            deadline_s=capture.deadline_s,
            reopened=stats.restarts,
            restarted=ladder.restarted,
            last_error=stats.last_error,
            has_ended=watcher.has_ended,
            is_held=stats.is_held,
            is_given_up=ladder.is_given_up,
        )

    def _pipeline(self) -> PipelineFacts:
        pipeline = self._seen.pipeline
        return PipelineFacts(
            busy_s=pipeline.busy_s(),
            deadline_s=pipeline.deadline_s,
            frames=self._seen.watcher.frames_processed,
            failures=pipeline.failures,
            in_a_row=pipeline.failures_in_a_row,
            restarted=pipeline.ladder.restarted,
            last_error=pipeline.last_error,
            change_error=pipeline.change_error,
            is_held=not self._seen.live.is_reading,
            is_given_up=pipeline.ladder.is_given_up,
        )

    def _agent(self) -> AgentFacts:
        watcher = self._seen.watcher
        return AgentFacts(
            running_s=watcher.watched_s(),
            frames_per_s=watcher.frames_per_s(),
            frames=watcher.frames_processed,
            dropped=self._seen.capture.stats.dropped + self._seen.frames.left_out,
            has_ended=watcher.has_ended,
            process_id=os.getpid(),
            version=VERSION,
            page_fault=self._page.fault,
        )

    def _reader(self) -> ReaderFacts:
        stats = self._seen.pipeline.stats
        read = stats.stages.get("read")
        return ReaderFacts(
            model=self._seen.pipeline.model,
            looks=read.count if read else 0,
            look_ms=read.mean_ms if read else None,
        )

    def _link(self, inspection: Inspection) -> LinkFacts:
        if self._sender is None:
            return LinkFacts(
                is_open=None,
                state=LEFT_TO_OTHERS,
                sender_process=holder_of(sender_lock_of(self._settings.db_path)),
                waiting_rows=inspection.waiting_rows,
                oldest_at=inspection.oldest_at,
            )
        link = self._sender.status.link
        return LinkFacts(
            is_open=link.is_open,
            state=link.state.value,
            advice=link.advice,
            is_hopeless=link.failure is not None and link.failure.needs_a_person,
            waiting_rows=inspection.waiting_rows,
            oldest_at=inspection.oldest_at,
        )

    def _memory(self, system: SystemFacts) -> MemoryFacts:
        keeper, watcher = self._seen.memory, self._seen.watcher
        frames, capacity = self._seen.capture.waiting
        in_flight = self._sender.status.in_flight if self._sender else 0
        return MemoryFacts(
            available_bytes=system.memory_available_bytes,
            total_bytes=system.memory_total_bytes,
            process_bytes=system.process_memory_bytes,
            limit_bytes=keeper.limit_bytes,
            stalled_share=system.stalled_share,
            shed=keeper.state.names,
            queues=(
                f"frames {frames} of {capacity}",
                f"sightings {watcher.held} of {HELD_SIGHTINGS}",
                f"rows in flight {in_flight}",
            ),
        )


def account_of(findings: Findings, inspection: Inspection) -> dict[str, str]:
    """What the camera says of its rows; nothing where its database cannot be read now."""
    if inspection.identity is None:
        return {}
    return Account(
        captured=inspection.captured_rows,
        acknowledged=inspection.acknowledged_rows,
        waiting=inspection.waiting_rows,
        refused=inspection.refused_rows,
        evicted=inspection.evicted_rows,
        last_sequence=inspection.identity.last_sequence,
        refused_sequences=inspection.refused_sequences,
        oldest_waiting_at=inspection.oldest_at,
        offset_s=findings.clock.offset_s,
        throttled=findings.heat.throttled,
    ).as_message()


def database_facts(inspection: Inspection) -> DatabaseFacts:
    """What the check of the database needs of a look at it."""
    return DatabaseFacts(
        sqlite_version=inspection.sqlite_version,
        has_begun=inspection.has_begun,
        is_older=inspection.is_older,
        fault=inspection.fault,
        size_bytes=inspection.size_bytes,
        log_bytes=inspection.log_bytes,
        checked_at=inspection.checked_at,
        refused_rows=inspection.refused_rows,
    )


def eviction_facts(inspection: Inspection) -> EvictionFacts:
    """What the check of what was given up needs."""
    return EvictionFacts(
        rows=inspection.evicted_rows,
        newest_at=inspection.evicted_at,
        newest=inspection.newest_eviction,
        reason=inspection.eviction_reason,
    )


def disk_facts(
    settings: AgentSettings, system: SystemFacts, inspection: Inspection, pictures_bytes: int
) -> DiskFacts:
    """What the check of the disk needs."""
    limits = limits_of(settings)
    return DiskFacts(
        free_bytes=system.disk_free_bytes,
        total_bytes=system.disk_total_bytes,
        pictures_bytes=pictures_bytes,
        quota_bytes=limits.quota_bytes,
        floor_bytes=limits.floor_bytes,
        growth_bytes_a_day=inspection.growth_bytes_a_day,
    )
