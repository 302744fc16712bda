"""Every fact that the checks need, and all results at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.health.delivering import LinkFacts, check_link
from agent.health.keeping import (
    ClockFacts,
    DatabaseFacts,
    EvictionFacts,
    check_clock,
    check_database,
    check_evictions,
)
from agent.health.machine import (
    DiskFacts,
    HeatFacts,
    MemoryFacts,
    check_cpu,
    check_disk,
    check_memory,
    check_temperature,
)
from agent.health.recognising import (
    AcceleratorFacts,
    ModelFacts,
    ReaderFacts,
    check_accelerator,
    check_models,
    check_reader,
)
from agent.health.result import HealthResult
from agent.health.watching import (
    AgentFacts,
    CameraFacts,
    PipelineFacts,
    check_agent,
    check_camera,
    check_pipeline,
    check_sightings,
)
from vision.pool.budget import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """One look at everything; None for what cannot be looked at here (no agent runs)."""

    camera: CameraFacts | None = None
    pipeline: PipelineFacts | None = None
    sightings_lost: int | None = None
    agent: AgentFacts | None = None
    reader: ReaderFacts | None = None
    models: tuple[ModelFacts, ...] = ()
    model_usage: tuple[Usage, ...] = ()
    accelerator: AcceleratorFacts | None = None
    database: DatabaseFacts
    evictions: EvictionFacts
    link: LinkFacts
    clock: ClockFacts
    disk: DiskFacts
    memory: MemoryFacts
    cpu_used_share: float
    heat: HeatFacts


def examine(findings: Findings, *, now: datetime) -> tuple[HealthResult, ...]:
    """The result of every check, what matters most first."""
    return (*_watching(findings), *_keeping(findings, now), *_machine(findings))


def _watching(findings: Findings) -> Iterator[HealthResult]:
    if findings.camera is not None:
        yield check_camera(findings.camera)
    if findings.pipeline is not None:
        yield check_pipeline(findings.pipeline)
    if findings.reader is not None:
        yield check_reader(findings.reader)
    if findings.models:
        yield check_models(findings.models, findings.model_usage)
    if findings.accelerator is not None:
        yield check_accelerator(findings.accelerator)
    if findings.sightings_lost is not None:
        yield check_sightings(lost=findings.sightings_lost)
    if findings.agent is not None:
        yield check_agent(findings.agent)


def _keeping(findings: Findings, now: datetime) -> Iterator[HealthResult]:
    yield check_database(findings.database, now=now)
    yield check_evictions(findings.evictions, now=now)
    yield check_link(findings.link, now=now)
    yield check_clock(findings.clock)


def _machine(findings: Findings) -> Iterator[HealthResult]:
    yield check_disk(findings.disk)
    yield check_memory(findings.memory)
    yield check_cpu(used_share=findings.cpu_used_share)
    yield check_temperature(findings.heat)
