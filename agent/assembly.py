"""Every part of the agent, built in the order of their needs and closed in the reverse one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from agent.building import limits_of, make_pipeline, make_sender, make_sightings, opened_outbox
from agent.camera.capture_thread import CaptureThread
from agent.camera.factory import open_source
from agent.camera.uri import SourceUri
from agent.clock import SystemClock
from agent.config import AgentSettings
from agent.errors import AgentAlreadyRunning
from agent.examining import examine_agent
from agent.health.journal import HealthJournal
from agent.health.monitor import HealthMonitor
from agent.live import LivePipeline
from agent.lock import ProcessLock
from agent.outbox.opening import Soundness
from agent.outbox.store import Outbox
from agent.outbox.upkeep import Upkeep
from agent.pipeline.runner import Pipeline
from agent.seeing import make_networks
from agent.tuner import make_tuning
from agent.tuning_file import TuningFile
from agent.uplink.sender import Sender
from agent.watcher import Watcher
from vision.networks import Networks

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What runs side by side, already built."""

    uri: SourceUri
    outbox: Outbox
    upkeep: Upkeep
    soundness: Soundness
    capture: CaptureThread
    networks: Networks
    pipeline: Pipeline
    live: LivePipeline
    tuning: TuningFile
    watcher: Watcher
    sender: Sender | None
    monitor: HealthMonitor
    watching: ThreadPoolExecutor
    keeping: ThreadPoolExecutor


@contextlib.asynccontextmanager
async def assembled(settings: AgentSettings, uri: SourceUri) -> AsyncIterator[Parts]:
    """Every part, built in the order of their needs and closed in the reverse one."""
    clock = SystemClock()
    async with contextlib.AsyncExitStack() as resources:
        resources.enter_context(_only_watcher(settings))
        # Before the outbox: a chore under way ends when that is closed, and is waited for then.
        keeping = resources.enter_context(ThreadPoolExecutor(1, thread_name_prefix="housekeeping"))
        opened = await asyncio.to_thread(opened_outbox, settings, clock)
        outbox = opened.outbox
        resources.callback(outbox.close)
        resources.callback(opened.soundness.close)
        await asyncio.to_thread(outbox.sweep)
        upkeep = Upkeep(outbox, limits=limits_of(settings), clock=clock)
        outbox.on_full(upkeep.make_room)
        sender = None
        if settings.sender == "embedded":
            store = await asyncio.to_thread(outbox.sending)
            resources.callback(store.close)
            sender = make_sender(settings, store, clock)
            outbox.on_commit(sender.notify)
        log.info("loading the models")
        networks = await asyncio.to_thread(make_networks, settings)
        resources.callback(networks.close)
        pipeline = await asyncio.to_thread(make_pipeline, settings, networks)
        sightings = await asyncio.to_thread(make_sightings, settings, pipeline, networks)
        source = open_source(uri)
        capture = CaptureThread(source, lossless=source.is_finite)
        watching = resources.enter_context(ThreadPoolExecutor(1, thread_name_prefix="watching"))
        checking = resources.enter_context(ThreadPoolExecutor(1, thread_name_prefix="health"))
        resources.enter_context(capture)
        live = LivePipeline(sightings, in_view=lambda: pipeline.in_view)
        watcher = Watcher(frames=capture, pipeline=live, recorder=outbox)
        resources.callback(watcher.stop)
        monitor = HealthMonitor(
            examine=lambda: examine_agent(
                settings, outbox, capture, watcher, sender, networks.pool.usage()
            ),
            recorder=outbox,
            journal=HealthJournal(interval_s=settings.health_interval_s),
            executor=checking,
        )
        yield Parts(
            uri=uri,
            outbox=outbox,
            upkeep=upkeep,
            soundness=opened.soundness,
            capture=capture,
            networks=networks,
            pipeline=pipeline,
            live=live,
            tuning=make_tuning(settings, pipeline, capture),
            watcher=watcher,
            sender=sender,
            monitor=monitor,
            watching=watching,
            keeping=keeping,
        )


def _only_watcher(settings: AgentSettings) -> ProcessLock:
    """Held while this process watches, so that no second one does into the same database."""
    path = settings.db_path.with_name(settings.db_path.name + ".agent.lock")
    return ProcessLock(
        path,
        taken=lambda holder: AgentAlreadyRunning(
            f"process {holder} watches into {settings.db_path} already ({path} is locked): stop "
            "it, or give this agent a DB_PATH of its own"
        ),
    )
