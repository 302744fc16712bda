"""Builds the agent from its parts, runs it, and takes it down in order.

The one place where camera, pipeline, outbox, uplink, health and web meet.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import apsw
import structlog

from agent.building import limits_of, make_pipeline, make_sender, opened_outbox, prepare_process
from agent.camera.capture_thread import CaptureThread
from agent.camera.errors import SourceError
from agent.camera.factory import open_source
from agent.camera.uri import SourceUri, parse_source
from agent.camera.worker import drivers_left_behind
from agent.clock import SystemClock, clock_is_set
from agent.config import AgentSettings
from agent.ending import Ending, judge
from agent.errors import AgentAlreadyRunning, AgentError, DatabaseCorrupt
from agent.health.checks import HealthResult
from agent.health.examination import AgentFacts, examine
from agent.health.journal import HealthJournal
from agent.health.monitor import HealthMonitor
from agent.health.system import look_at_system
from agent.housekeeping import keep_house, outbox_chores
from agent.lock import ProcessLock
from agent.outbox.opening import Soundness
from agent.outbox.store import Outbox
from agent.outbox.upkeep import Upkeep
from agent.pipeline.runner import Pipeline
from agent.process import first_done, run_loop
from agent.uplink.sender import Sender
from agent.watcher import Watcher
from agent.web.serving import serve
from agent.web.status import build_web
from telemetry.version import VERSION
from vision.errors import VisionError

TOLD: Final = (AgentError, SourceError, VisionError)
"""Errors that a person can mend: they come out of the loop as they are."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What runs side by side, already built."""

    uri: SourceUri
    outbox: Outbox
    upkeep: Upkeep
    soundness: Soundness
    capture: CaptureThread
    pipeline: Pipeline
    watcher: Watcher
    sender: Sender | None
    monitor: HealthMonitor
    watching: ThreadPoolExecutor
    keeping: ThreadPoolExecutor


def run_agent(settings: AgentSettings, *, until_end: bool) -> int:
    """The whole agent until a signal, or with `until_end` until all is sent; the exit code.

    Raises AgentError, SourceError or VisionError where it cannot start.
    """
    prepare_process(settings, log_file=settings.log_file)
    uri = parse_source(settings.source)

    def run_once() -> int:
        return run_loop(lambda stop: _agent(settings, uri, stop, until_end=until_end), told=TOLD)

    try:
        code = run_once()
    except DatabaseCorrupt as error:
        if until_end:
            raise  # a source with an end would be read from its beginning
        log.error("%s", error)
        code = run_once()
    if drivers_left_behind():
        # A camera driver that never returned would abort the interpreter on its way out
        # (github.com/python/cpython/issues/87135); everything of ours is closed by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


async def _agent(
    settings: AgentSettings, uri: SourceUri, stop: asyncio.Event, *, until_end: bool
) -> int:
    log.info("agent starts", version=VERSION, source=str(uri), database=str(settings.db_path))
    async with _built(settings, uri) as parts:
        if until_end and not parts.capture.is_finite:
            log.warning("the source has no end by itself: --until-end waits for a signal")
        async with asyncio.TaskGroup() as tasks:
            with contextlib.ExitStack() as quitting:
                # Whatever ends the work below, the others are told to end too.
                quitting.callback(stop.set)
                for chore in _chores(settings, parts, stop):
                    tasks.create_task(chore)
                return await _watch(parts, stop, until_end=until_end)


def _chores(settings: AgentSettings, parts: Parts, stop: asyncio.Event) -> Iterator[Any]:
    """What runs beside the watching."""
    yield parts.monitor.run(stop)
    chores = outbox_chores(
        parts.upkeep,
        checkpoint=parts.outbox.checkpoint,
        check_soundness=parts.soundness.check_if_due,
        keep_days=settings.retention_days,
    )
    yield keep_house(chores, executor=parts.keeping, stop=stop)
    if parts.sender is not None:
        yield _send_in_time(parts, parts.sender, settings.clock_wait_s, stop)
    if settings.web_port:
        web = build_web(lambda: _status(parts))
        yield serve(web, host=settings.web_host, port=settings.web_port, stop=stop)


async def _send_in_time(parts: Parts, sender: Sender, wait_s: float, stop: asyncio.Event) -> None:
    """Sends once the clock is right, so that rows go with their true time; or after a while."""
    clock = SystemClock()
    if not await clock_is_set(clock, give_up_at_boot_s=wait_s, stop=stop) and not stop.is_set():
        log.warning("the clock is not set: rows go with the time that it shows, marked so")
    await asyncio.to_thread(parts.upkeep.correct_times)
    await sender.run(stop)


async def _watch(parts: Parts, stop: asyncio.Event, *, until_end: bool) -> int:
    """Watches until the source has ended or `stop`; the exit code."""
    loop = asyncio.get_running_loop()
    watching = loop.run_in_executor(parts.watching, parts.watcher.run)
    failure: str | None = None
    try:
        await first_done(watching, stop.wait())
        parts.watcher.stop()
        await watching
    except (SourceError, VisionError) as error:
        failure = str(error)
    waits_for_rows = until_end and parts.sender is not None
    left = 0
    if failure is None and not stop.is_set():
        log.info("the source has ended", frames=parts.watcher.frames_processed)
        if until_end and parts.sender is None:
            log.warning("AGENT_SENDER=separate: the rows are left to 'agent send'")
        elif until_end and parts.sender is not None:
            left = await first_done(parts.sender.drained(), stop.wait()) or 0
        else:
            await stop.wait()
    ending = Ending(
        failure=failure,
        waits_for_rows=waits_for_rows,
        was_stopped=stop.is_set(),
        without_table=left,
    )
    return _conclude(parts, ending)


def _conclude(parts: Parts, ending: Ending) -> int:
    """Adds the books, says how it ended; the exit code."""
    counts = parts.outbox.counts()
    verdict = judge(
        replace(
            ending,
            waiting=counts.waiting,
            refused=counts.refused,
            acknowledged=counts.acknowledged,
            lost=parts.watcher.sightings_lost,
        )
    )
    if verdict.is_success:
        log.info("SUCCESS %s", verdict.text)
    else:
        log.error("%s", verdict.text)
    return verdict.code


@contextlib.asynccontextmanager
async def _built(settings: AgentSettings, uri: SourceUri) -> AsyncIterator[Parts]:
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
        pipeline = await asyncio.to_thread(make_pipeline, settings)
        source = open_source(uri)
        capture = CaptureThread(source, lossless=source.is_finite)
        watching = resources.enter_context(ThreadPoolExecutor(1, thread_name_prefix="watching"))
        checking = resources.enter_context(ThreadPoolExecutor(1, thread_name_prefix="health"))
        resources.enter_context(capture)
        watcher = Watcher(frames=capture, pipeline=pipeline, recorder=outbox)
        resources.callback(watcher.stop)
        monitor = HealthMonitor(
            examine=lambda: _examine(settings, outbox, capture, watcher, sender),
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
            pipeline=pipeline,
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


def _status(parts: Parts) -> dict[str, Any]:
    """What `GET /health` says."""
    counts = parts.outbox.counts()
    capture = parts.capture.stats
    status = {
        "status": "ok",
        "version": VERSION,
        "source": str(parts.uri),
        "frames": parts.watcher.frames_processed,
        "frames_total": parts.capture.total_frames,
        "fps": parts.watcher.frames_per_s(),
        "dropped": capture.dropped,
        "source_has_ended": parts.watcher.has_ended,
        "source_error": capture.last_error,
        "restarts": capture.restarts,
        "pipeline": asdict(parts.pipeline.stats),
        "sightings": parts.watcher.sightings,
        "sightings_lost": parts.watcher.sightings_lost,
        "latest_sightings": [asdict(sighting) for sighting in tuple(parts.watcher.latest)],
        "health": [asdict(result) for result in parts.monitor.newest],
        **asdict(counts),
    }
    if parts.sender is None:
        return {**status, "link": {"state": "left to 'agent send'", "advice": ""}}
    link = parts.sender.status.link
    return {**status, "link": {"state": link.state, "advice": link.advice}}


def _examine(
    settings: AgentSettings,
    outbox: Outbox,
    capture: CaptureThread,
    watcher: Watcher,
    sender: Sender | None,
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
        sightings_lost=watcher.sightings_lost,
        waiting_rows=counts.waiting,
        refused_rows=counts.refused,
        sqlite_version=apsw.sqlite_lib_version(),
        link_is_open=None if link is None else link.is_open,
        link_advice="" if link is None else link.advice,
    )
    return examine(facts, system), system.as_message()
