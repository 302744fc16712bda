"""Every part of the agent, built in the order of their needs and closed in the reverse one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import psutil
import structlog

from agent.building import (
    limits_of,
    make_pipeline,
    make_sender,
    make_sightings,
    make_tracer,
    opened_outbox,
)
from agent.camera.backoff import RestartPolicy
from agent.camera.capture_thread import CaptureThread
from agent.camera.easing import Ease, EasedFrames
from agent.camera.factory import open_source
from agent.camera.keeper import REOPEN_SHARE, CameraKeeper
from agent.camera.source import FrameSource
from agent.camera.uri import SourceUri
from agent.clock import SystemClock
from agent.closing import close_in_time, executor, unless_stopped
from agent.config import AgentSettings
from agent.errors import AgentAlreadyRunning
from agent.examining import Examiner, Seen
from agent.health.journal import HealthJournal
from agent.health.monitor import LOOK_S, HealthMonitor
from agent.live import LivePipeline
from agent.lock import ProcessLock, agent_lock_of
from agent.memory import MemoryKeeper, limit_of
from agent.network_sets import NetworkSets
from agent.outbox.opening import Soundness
from agent.outbox.store import Outbox
from agent.outbox.upkeep import Upkeep
from agent.pipeline.renewal import RenewedPipeline
from agent.recovery import is_alive
from agent.seeing import make_face_models, make_networks
from agent.shedding import Shed
from agent.tuner import make_tuning
from agent.tuning_file import TuningFile
from agent.uplink.sender import Sender
from agent.watcher import SightingRecorder, Watcher
from agent.web.port import PagePort
from settings.showing import shown
from telemetry.tracing import RowTracer
from vision.backends.hailo_share import HailoShare
from vision.faces.choice import FaceModels
from vision.pool.control_group import group_limit_bytes

log = structlog.get_logger(__name__)


EASES: Final = {
    Shed.NOTHING: Ease(),
    Shed.FRAME_RATE: Ease(interval_s=0.25),
    Shed.PICTURE_SIZE: Ease(interval_s=0.25, scale=0.5),
    Shed.MODELS: Ease(interval_s=0.25, scale=0.5),
}
"""What is left of the frames while memory is short."""
Opener = Callable[[SourceUri], FrameSource]
FINITE_DEADLINES: Final = 4
"""A clip that hangs is waited for so many deadlines: it cannot be begun again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What runs side by side, already built."""

    uri: SourceUri
    outbox: Outbox
    upkeep: Upkeep
    soundness: Soundness
    capture: CameraKeeper
    frames: EasedFrames
    networks: NetworkSets
    pipeline: RenewedPipeline
    live: LivePipeline
    tuning: TuningFile
    watcher: Watcher
    sender: Sender | None
    monitor: HealthMonitor
    examiner: Examiner
    memory: MemoryKeeper
    keep_memory: Callable[[], None]
    page: PagePort
    checking: ThreadPoolExecutor
    watching: ThreadPoolExecutor
    keeping: ThreadPoolExecutor

    @property
    def given_up(self) -> tuple[str, ...]:
        """Parts that hang and that only another process can mend."""
        ladders = {"camera": self.capture.ladder, "pipeline": self.pipeline.ladder}
        return tuple(name for name, ladder in ladders.items() if not is_alive(ladder))


@contextlib.asynccontextmanager
async def assembled(
    settings: AgentSettings,
    uri: SourceUri,
    *,
    opener: Opener = open_source,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[Parts]:
    """Every part, built in the order of their needs and closed in the reverse one.

    Raises StoppedEarly where `stop` comes while the models are loaded.
    """
    async with contextlib.AsyncExitStack() as resources:
        resources.enter_context(_only_watcher(settings))
        # Before the outbox: a chore under way ends when that is closed, and is waited for then.
        keeping = executor(resources, "housekeeping")
        tracer = make_tracer(settings)
        if tracer is not None:
            resources.push_async_callback(close_in_time, "traces", tracer.close)
        kept = await _kept(settings, resources, tracer)
        watching = executor(resources, "watching")
        checking = executor(resources, "health")
        log.info("loading the models")
        seen = await unless_stopped(
            "models",
            lambda: _seen(settings, lambda: opener(uri), kept.outbox, tracer),
            stop or asyncio.Event(),
        )
        resources.push_async_callback(close_in_time, "models", seen.networks.close)
        resources.callback(seen.pipeline.close)
        resources.enter_context(seen.capture)
        resources.callback(seen.watcher.stop)
        threads = _Threads(checking=checking, watching=watching, keeping=keeping)
        yield _parts(settings, uri, kept, seen, threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Threads:
    """One thread each."""

    checking: ThreadPoolExecutor
    watching: ThreadPoolExecutor
    keeping: ThreadPoolExecutor


def _parts(
    settings: AgentSettings, uri: SourceUri, kept: _Kept, seen: Seen, threads: _Threads
) -> Parts:
    page = PagePort(settings.web_host, settings.web_port)
    examiner = Examiner(
        settings, seen, outbox=kept.outbox, sender=kept.sender, clock=kept.clock, page=page
    )
    return Parts(
        uri=uri,
        outbox=kept.outbox,
        upkeep=kept.upkeep,
        soundness=kept.soundness,
        capture=seen.capture,
        frames=seen.frames,
        networks=seen.networks,
        pipeline=seen.pipeline,
        live=seen.live,
        tuning=make_tuning(settings, seen.pipeline, seen.capture),
        watcher=seen.watcher,
        sender=kept.sender,
        monitor=_monitor(settings, examiner, kept.outbox, threads.checking),
        examiner=examiner,
        memory=seen.memory,
        keep_memory=examiner.keep_memory,
        page=page,
        checking=threads.checking,
        watching=threads.watching,
        keeping=threads.keeping,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What keeps rows and sends them."""

    clock: SystemClock
    outbox: Outbox
    soundness: Soundness
    upkeep: Upkeep
    sender: Sender | None


async def _kept(
    settings: AgentSettings, resources: contextlib.AsyncExitStack, tracer: RowTracer | None
) -> _Kept:
    clock = SystemClock()
    opened = await asyncio.to_thread(opened_outbox, settings, clock)
    outbox = opened.outbox
    resources.callback(outbox.close)
    resources.callback(opened.soundness.close)
    await asyncio.to_thread(outbox.sweep)
    if outbox.is_suspect:  # before anything is seen that could not be stored
        await asyncio.to_thread(opened.soundness.check_if_due)
    upkeep = Upkeep(outbox, limits=limits_of(settings), clock=clock)
    outbox.on_full(upkeep.make_room)
    sender = None
    if settings.sender == "embedded":
        store = await asyncio.to_thread(outbox.sending)
        resources.callback(store.close)
        sender = make_sender(settings, store, clock, tracer=tracer)
        outbox.on_commit(sender.notify)
    return _Kept(
        clock=clock, outbox=outbox, soundness=opened.soundness, upkeep=upkeep, sender=sender
    )


def _monitor(
    settings: AgentSettings, examiner: Examiner, recorder: Outbox, checking: ThreadPoolExecutor
) -> HealthMonitor:
    return HealthMonitor(
        examine=examiner.examine,
        recorder=recorder,
        journal=HealthJournal(interval_s=settings.health_interval_s),
        executor=checking,
        look_s=min(LOOK_S, settings.camera_deadline_s / 4, settings.health_interval_s),
        settings=shown(settings),
    )


def _seen(
    settings: AgentSettings,
    opened: Callable[[], FrameSource],
    recorder: SightingRecorder,
    tracer: RowTracer | None,
) -> Seen:
    """What looks, from the camera to the outbox; not started yet. Loads the models."""
    hailo = HailoShare()
    networks = NetworkSets(lambda: make_networks(settings, hailo))
    try:
        return _seen_with(networks, settings, opened, recorder, tracer)
    except BaseException:
        networks.close()
        raise


def _seen_with(
    networks: NetworkSets,
    settings: AgentSettings,
    opened: Callable[[], FrameSource],
    recorder: SightingRecorder,
    tracer: RowTracer | None,
) -> Seen:
    source = opened()
    pipeline = RenewedPipeline(
        make_pipeline(settings, networks.first),
        make=lambda: make_pipeline(settings, networks.another()),
        deadline_s=settings.reading_deadline_s,
        may_renew=not source.is_finite,
    )
    capture = CameraKeeper(
        lambda: _capture(settings, opened()), deadline_s=settings.camera_deadline_s
    )
    frames = EasedFrames(capture)
    live = LivePipeline(
        make_sightings(settings, pipeline, networks.first), in_view=lambda: pipeline.in_view
    )
    watcher = Watcher(
        frames=frames,
        pipeline=live,
        recorder=recorder,
        goes_on=not source.is_finite,
        tracer=tracer,
    )
    return Seen(
        capture=capture,
        frames=frames,
        pipeline=pipeline,
        live=live,
        watcher=watcher,
        networks=networks,
        memory=_memory_keeper(
            settings,
            frames,
            pipeline,
            make_faces=lambda: make_face_models(settings, networks.first),
            is_lossless=source.is_finite,
        ),
    )


def _capture(settings: AgentSettings, source: FrameSource) -> CaptureThread:
    deadline_s = settings.camera_deadline_s
    timeout_s = deadline_s * (FINITE_DEADLINES if source.is_finite else REOPEN_SHARE)
    policy = RestartPolicy(read_timeout_s=timeout_s)
    return CaptureThread(source, lossless=source.is_finite, policy=policy)


def _memory_keeper(
    settings: AgentSettings,
    frames: EasedFrames,
    pipeline: RenewedPipeline,
    *,
    make_faces: Callable[[], FaceModels],
    is_lossless: bool,
) -> MemoryKeeper:
    """Leaves out frames only of a live source: of a clip or folder every one counts."""
    before = Shed.NOTHING

    def apply(shed: Shed) -> None:
        nonlocal before
        ease = EASES[shed]
        frames.ease(Ease(scale=ease.scale) if is_lossless else ease)
        if settings.detect_faces and (shed is Shed.MODELS) != (before is Shed.MODELS):
            pipeline.use_faces(None if shed is Shed.MODELS else make_faces)
        before = shed

    return MemoryKeeper(
        limit_bytes=limit_of(
            configured_mb=settings.memory_limit_mb,
            machine_bytes=psutil.virtual_memory().total,
            group_bytes=group_limit_bytes(),
        ),
        apply=apply,
    )


def _only_watcher(settings: AgentSettings) -> ProcessLock:
    """Held while this process watches, so that no second one does into the same database."""
    path = agent_lock_of(settings.db_path)
    return ProcessLock(
        path,
        taken=lambda holder: AgentAlreadyRunning(
            f"process {holder} watches into {settings.db_path} already ({path} is locked): stop "
            "it, or give this agent a DB_PATH of its own"
        ),
    )
