"""Builds the agent from its parts, runs it, and takes it down in order.

The one place where camera, pipeline, outbox, uplink, health and web meet.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import apsw
import cv2
import structlog

from agent.camera.capture_thread import CaptureThread
from agent.camera.errors import SourceError
from agent.camera.factory import open_source
from agent.camera.uri import SourceUri, parse_source
from agent.camera.worker import drivers_left_behind
from agent.clock import SystemClock
from agent.config import AgentSettings
from agent.errors import AgentError, OutboxError
from agent.health import checks
from agent.health.checks import HealthResult
from agent.health.journal import HealthJournal
from agent.health.monitor import HealthMonitor
from agent.health.system import look_at_system
from agent.outbox.sending import SendingStore
from agent.outbox.spool import PictureFormat
from agent.outbox.store import Outbox
from agent.pipeline.runner import Pipeline
from agent.pipeline.settings import PipelineSettings
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from agent.watcher import Watcher
from agent.web.status import build_web
from telemetry.logging import configure_logging
from telemetry.version import VERSION
from telemetry.web_server import WebServer
from vision.errors import VisionError
from vision.faces.cascade import CascadeFaceDetector
from vision.plates.reader import EmbeddedPlateReader

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 3
"""Everything was sent, but the server refused rows, or sightings could not be stored."""

CHECKPOINT_S: Final = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What runs side by side, already built."""

    uri: SourceUri
    outbox: Outbox
    capture: CaptureThread
    watcher: Watcher
    sender: Sender | None
    monitor: HealthMonitor
    watching: ThreadPoolExecutor


def run_agent(settings: AgentSettings, *, until_end: bool) -> int:
    """The whole agent until a signal, or with `until_end` until all is sent; the exit code.

    Raises AgentError, SourceError or VisionError where it cannot start.
    """
    _prepare_process(settings)
    uri = parse_source(settings.source)
    code = _run_loop(lambda stop: _agent(settings, uri, stop, until_end=until_end))
    if drivers_left_behind():
        # A camera driver that never returned would abort the interpreter on its way out
        # (github.com/python/cpython/issues/87135); everything of ours is closed by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def run_sender(settings: AgentSettings, *, once: bool, retry_refused: bool) -> int:
    """The sender alone; with `once` until what waits is sent; the exit code."""
    _prepare_process(settings)
    return _run_loop(lambda stop: _send(settings, stop, once=once, retry_refused=retry_refused))


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
    yield _checkpoint(parts, stop)
    if parts.sender is not None:
        yield parts.sender.run(stop)
    if settings.web_port:
        yield _serve_web(settings, parts, stop)


async def _watch(parts: Parts, stop: asyncio.Event, *, until_end: bool) -> int:
    """Watches until the source has ended or `stop`; the exit code."""
    loop = asyncio.get_running_loop()
    watching = loop.run_in_executor(parts.watching, parts.watcher.run)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        either: set[asyncio.Future[Any]] = {watching, stopped}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        parts.watcher.stop()
        try:
            await watching
        except (SourceError, VisionError) as error:
            log.error("ERROR watching ended", reason=str(error))
            return EXIT_FAILED
        if stop.is_set():
            return EXIT_OK
        log.info("the source has ended", frames=parts.watcher.frames_processed)
        if not until_end:
            await stop.wait()
            return EXIT_OK
        return await _drain(parts, stopped)
    finally:
        stopped.cancel()


async def _drain(parts: Parts, stopped: asyncio.Future[Any]) -> int:
    """Waits until every row is settled, or for a signal."""
    if parts.sender is None:
        log.warning("AGENT_SENDER=separate: the rows are left to 'agent send'")
        return EXIT_OK
    drained = asyncio.ensure_future(parts.sender.drained())
    try:
        either: set[asyncio.Future[Any]] = {drained, stopped}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        drained.cancel()
    counts = parts.outbox.counts()
    if counts.waiting:
        log.error("ERROR stopped before all was sent; the rows wait", waiting=counts.waiting)
        return EXIT_FAILED
    if counts.refused or parts.watcher.sightings_lost:
        log.error(
            "ERROR not everything is on the server: see send_error in the database",
            refused=counts.refused,
            lost=parts.watcher.sightings_lost,
        )
        return EXIT_REFUSED
    log.info("SUCCESS every row is acknowledged", acknowledged=counts.acknowledged)
    return EXIT_OK


@contextlib.asynccontextmanager
async def _built(settings: AgentSettings, uri: SourceUri) -> AsyncIterator[Parts]:
    """Every part, built in the order of their needs and closed in the reverse one."""
    clock = SystemClock()
    async with contextlib.AsyncExitStack() as resources:
        outbox = await asyncio.to_thread(
            Outbox.open,
            settings.db_path,
            settings.images_dir,
            settings.name,
            clock=clock,
            picture_format=_picture_format(settings),
        )
        resources.callback(outbox.close)
        await asyncio.to_thread(outbox.sweep)
        sender = None
        if settings.sender == "embedded":
            store = await asyncio.to_thread(outbox.sending)
            resources.callback(store.close)
            sender = _sender(settings, store, clock)
            outbox.on_commit(sender.notify)
        log.info("loading the models")
        pipeline = await asyncio.to_thread(_pipeline, settings)
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
            capture=capture,
            watcher=watcher,
            sender=sender,
            monitor=monitor,
            watching=watching,
        )


async def _send(
    settings: AgentSettings, stop: asyncio.Event, *, once: bool, retry_refused: bool
) -> int:
    clock = SystemClock()
    store = await asyncio.to_thread(
        SendingStore.open,
        settings.db_path,
        settings.images_dir,
        settings.name,
        clock=clock,
        picture_format=_picture_format(settings),
    )
    with contextlib.closing(store):
        if retry_refused:
            queued = await asyncio.to_thread(store.retry_refused)
            log.info("refused rows queued again", rows=queued)
        sender = _sender(settings, store, clock)
        if not once:
            await sender.run(stop)
            return EXIT_OK
        sent = await sender.send_once(stop)
    if not sent.was_reached:
        raise AgentError(f"the server was not reached, {sent.waiting} rows wait: {sent.advice}")
    if sent.refused:
        log.error("ERROR rows were refused: see send_error", refused=sent.refused)
        return EXIT_REFUSED
    log.info("SUCCESS everything is sent", waiting=sent.waiting)
    return EXIT_FAILED if sent.waiting else EXIT_OK


async def _checkpoint(parts: Parts, stop: asyncio.Event) -> None:
    """Keeps the write-ahead log small while the sender flags rows and nothing new is recorded."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), CHECKPOINT_S)
        except TimeoutError:
            try:
                await asyncio.to_thread(parts.outbox.checkpoint)
            except OutboxError as error:
                log.error("ERROR the write-ahead log stays as it is", error=str(error))


async def _serve_web(settings: AgentSettings, parts: Parts, stop: asyncio.Event) -> None:
    """The agent's own port; one that is taken costs the port, never the camera."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.web_host, settings.web_port))
    except OSError as error:
        listener.close()
        log.error(
            "ERROR no web port: set AGENT_WEB_PORT to a free one",
            port=settings.web_port,
            error=str(error),
        )
        return
    web = WebServer(build_web(lambda: _status(parts)), listener)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(web.run_until_stopped())
        await stop.wait()
        web.stop()


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
        "restarts": capture.restarts,
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
    facts = look_at_system(settings.db_path.absolute().parent)
    stats = capture.stats
    counts = outbox.counts()
    results = [
        checks.check_camera(
            frame_age_s=None if stats.newest_at_s is None else time.monotonic() - stats.newest_at_s,
            watched_s=watcher.watched_s(),
            restarts=stats.restarts,
            last_error=stats.last_error,
            ended=watcher.has_ended,
        ),
        checks.check_disk(free_bytes=facts.disk_free_bytes, total_bytes=facts.disk_total_bytes),
        checks.check_memory(
            available_bytes=facts.memory_available_bytes, total_bytes=facts.memory_total_bytes
        ),
        checks.check_cpu(used_share=facts.cpu_used_share),
        checks.check_database(
            sqlite_version=apsw.sqlite_lib_version(), refused_rows=counts.refused
        ),
        checks.check_sightings(lost=watcher.sightings_lost),
    ]
    if sender is not None:
        link = sender.status.link
        results.append(
            checks.check_link(is_open=link.is_open, waiting_rows=counts.waiting, advice=link.advice)
        )
    return results, facts.as_message()


def _pipeline(settings: AgentSettings) -> Pipeline:
    defaults = PipelineSettings()
    rules = replace(
        defaults.rules, min_confidence=settings.min_confidence, cooldown_s=settings.cooldown_s
    )
    return Pipeline(
        reader=EmbeddedPlateReader(regions=settings.regions, threads=settings.threads),
        settings=replace(defaults, rules=rules),
        face_detector=CascadeFaceDetector() if settings.detect_faces else None,
    )


def _sender(settings: AgentSettings, store: SendingStore, clock: SystemClock) -> Sender:
    return Sender(
        store,
        settings=UplinkSettings(
            url=settings.server_url,
            token=settings.token.get_secret_value() or None,
            allow_plaintext=settings.allow_plaintext,
            ca_file=settings.ca_file,
            check_interval_s=settings.check_interval_s,
            backoff_max_s=settings.backoff_max_s,
            classic_retry_hours=settings.classic_retry_hours,
        ),
        identity=Identity(
            hostname=settings.hostname,
            checkpoint_id=settings.checkpoint_id,
            agent_version=VERSION,
        ),
        clock=clock,
        lock_path=settings.db_path.with_name(settings.db_path.name + ".sender.lock"),
    )


def _picture_format(settings: AgentSettings) -> PictureFormat:
    return PictureFormat(
        max_width=settings.image_width,
        max_height=settings.image_height,
        jpeg_quality=settings.image_quality,
    )


def _prepare_process(settings: AgentSettings) -> None:
    configure_logging(file=settings.log_file, level=settings.log_level.upper(), to_stderr=True)
    cv2.setNumThreads(settings.threads)


def _run_loop(work: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """Runs `work` on a loop whose SIGTERM and SIGINT set the event; errors come out unwrapped."""

    async def main() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        return await work(stop)

    try:
        with asyncio.Runner() as runner:
            return runner.run(main())
    except BaseExceptionGroup as group:
        known, _ = group.split((AgentError, SourceError, VisionError))
        if known is None:
            raise
        raise _first(known) from group


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
