"""Runs the agent: everything side by side until a signal or the end, and the exit code.

Beside it lie what builds the parts (`assembly`), what they say over HTTP (`status`) and what the
health checks see of them (`examining`); only these know camera, pipeline, outbox, uplink and web.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import structlog

from agent.assembly import Parts, assembled
from agent.building import prepare_process
from agent.camera.errors import SourceError
from agent.camera.uri import SourceUri, parse_source
from agent.clock import SystemClock, clock_is_set
from agent.closing import StoppedEarly
from agent.config import AgentSettings
from agent.driver_thread import threads_left_behind
from agent.ending import EXIT_FAILED, EXIT_OK, Ending, judge
from agent.errors import AgentError, DatabaseCorrupt
from agent.health.asking import Answer, answer_questions
from agent.housekeeping import Chore, do, keep_house, outbox_chores
from agent.outbox.upkeep import Upkeep
from agent.page import Tasks, page_parts
from agent.process import first_done, run_loop
from agent.refusing import refuse_unusable
from agent.switches import TaskSwitch
from agent.uplink.sender import Sender
from agent.watchdog import READING_DEADLINES, WATCHING_LIMIT_S, status_line, works_of
from agent.web.parts import AgentParts
from agent.web.port import PagePort, url_of
from agent.web.serving import serve
from telemetry.error_book import ErrorBook
from telemetry.process_memory import give_back
from telemetry.service_manager import ServiceManager, report
from telemetry.version import VERSION
from vision.errors import VisionError

TOLD: Final = (AgentError, SourceError, VisionError)
"""Errors that a person can mend: they come out of the loop as they are."""

FINISH_S: Final = 2.5
"""What the frame in hand gets after a signal."""
GIVE_BACK_S: Final = 60.0
"""Between two times that freed memory is returned to the system."""

log = structlog.get_logger(__name__)


def run_agent(settings: AgentSettings, *, until_end: bool, quiet: bool = False) -> int:
    """The whole agent until a signal, or with `until_end` until all is sent; the exit code.

    Raises SettingsInvalid, AgentError, SourceError or VisionError where it cannot start.
    """
    errors = prepare_process(settings, log_file=settings.log_file, to_stderr=not quiet)
    refuse_unusable(settings, watches=True, sends=settings.sender == "embedded")
    uri = parse_source(settings.source)

    def run_once() -> int:
        return run_loop(
            lambda stop: _agent(settings, uri, errors, stop, until_end=until_end), told=TOLD
        )

    try:
        code = run_once()
    except DatabaseCorrupt as error:
        if until_end:
            raise  # a source with an end would be read from its beginning
        log.error("%s", error)
        code = run_once()
    if threads_left_behind():
        # A camera driver that never returned would abort the interpreter on its way out
        # (github.com/python/cpython/issues/87135), and a thread of ours that hangs hold it up;
        # everything else is closed by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


async def _agent(
    settings: AgentSettings,
    uri: SourceUri,
    errors: ErrorBook,
    stop: asyncio.Event,
    *,
    until_end: bool,
) -> int:
    log.info("agent starts", version=VERSION, source=str(uri), database=str(settings.db_path))
    try:
        return await _run(settings, uri, errors, stop, until_end=until_end)
    except StoppedEarly:
        log.info("stopped before the models were loaded; every row is safe")
        return EXIT_FAILED if until_end else EXIT_OK


async def _run(
    settings: AgentSettings,
    uri: SourceUri,
    errors: ErrorBook,
    stop: asyncio.Event,
    *,
    until_end: bool,
) -> int:
    async with assembled(settings, uri, stop=stop) as parts:
        if until_end and not parts.capture.is_finite:
            log.warning("the source has no end by itself: --until-end waits for a signal")
        async with asyncio.TaskGroup() as tasks:
            with contextlib.ExitStack() as quitting:
                # Whatever ends the work below, the others are told to end too.
                quitting.callback(stop.set)
                for chore in chores(settings, parts, stop, errors=errors):
                    tasks.create_task(chore)
                return await _watch(parts, stop, until_end=until_end)


def chores(
    settings: AgentSettings, parts: Parts, stop: asyncio.Event, *, errors: ErrorBook | None = None
) -> Iterator[Any]:
    """What runs beside the watching, each until `stop`; `errors` are shown on the page."""
    manager = ServiceManager.from_environment()
    tasks = Tasks(
        monitoring=TaskSwitch("health monitoring", parts.monitor.run),
        sending=_sending(parts, settings.clock_wait_s),
    )
    yield tasks.monitoring.run(stop)
    yield answer_questions(settings.db_path, lambda: _answer(parts), stop)
    chores = outbox_chores(
        parts.upkeep,
        checkpoint=parts.outbox.checkpoint,
        check_soundness=parts.soundness.check_if_due,
        keep_days=settings.retention_days,
    )
    models = Chore(name="models", call=parts.networks.clean_up, every_s=60, first_s=60)
    yield keep_house((*chores, models), executor=parts.keeping, stop=stop)
    yield keep_memory(parts, stop)
    if tasks.sending is not None:
        yield tasks.sending.run(stop)
    if parts.page.is_wanted:
        page = page_parts(settings, parts, tasks, errors)
        yield show_page(page, parts.page, stop, tells_start=manager.is_there)
    # Last: who waits until it is ready then has read where the page is.
    yield report(
        manager,
        status=lambda: _status_line(parts),
        works=lambda: works_of(
            watching_s=parts.watcher.still_s(),
            sending_s=None if parts.sender is None else parts.sender.still_s,
            watching_limit_s=max(WATCHING_LIMIT_S, READING_DEADLINES * settings.reading_deadline_s),
            given_up=parts.given_up,
        ),
        stop=stop,
    )


async def show_page(
    page: AgentParts, port: PagePort, stop: asyncio.Event, *, tells_start: bool
) -> None:
    """Until `stop`, from when its port is free; with `tells_start` who starts a service, and sees
    no log, is told where it is or why not."""
    listener = port.listener()
    if tells_start:
        said = port.fault
        if listener is not None:
            said = f"The camera's page is on {url_of(port.host, listener.getsockname()[1])}"
        sys.stderr.write(f"{said}\n")
    listener = listener or await port.opened(stop)
    if listener is not None:
        await serve(page, listener, host=port.host, stop=stop)


async def keep_memory(parts: Parts, stop: asyncio.Event) -> None:
    """Sheds work and takes it up again, also while an operator has stopped the health checks."""
    memory = Chore(name="memory", call=parts.keep_memory, every_s=5)
    freed = Chore(name="freed memory", call=give_back, every_s=GIVE_BACK_S, first_s=GIVE_BACK_S)
    await keep_house((memory, freed), executor=parts.checking, stop=stop)


def _sending(parts: Parts, clock_wait_s: float) -> TaskSwitch | None:
    sender = parts.sender
    if sender is None:
        return None
    return TaskSwitch(
        "sender", lambda stop: send_in_time(sender, parts.upkeep, wait_s=clock_wait_s, stop=stop)
    )


async def send_in_time(
    sender: Sender, upkeep: Upkeep, *, wait_s: float, stop: asyncio.Event
) -> None:
    """Sends once the clock is right, so that rows go with their true time; or after a while."""
    clock = SystemClock()
    if not await clock_is_set(clock, give_up_at_boot_s=wait_s, stop=stop) and not stop.is_set():
        log.warning(
            "the clock is not set: allow NTP, or see 'timedatectl'; rows go with the time that it "
            "shows, and the server is told that nobody set it"
        )
    await do("clock", upkeep.correct_times, executor=None, stop=stop)
    await sender.run_in_turn(stop)


async def _watch(parts: Parts, stop: asyncio.Event, *, until_end: bool) -> int:
    """Watches until the source has ended or `stop`; the exit code."""
    loop = asyncio.get_running_loop()
    watching = loop.run_in_executor(parts.watching, parts.watcher.run)
    failure: str | None = None
    try:
        await first_done(watching, stop.wait())
        parts.watcher.stop()
        await _finished(watching)
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


async def _finished(watching: asyncio.Future[None]) -> None:
    """The frame in hand is finished, unless that hangs."""
    done, _ = await asyncio.wait({watching}, timeout=FINISH_S)
    if done:
        watching.result()
    else:
        log.error("the frame in hand is not finished and left behind", after_s=FINISH_S)


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


async def _answer(parts: Parts) -> Answer:
    """What 'agent check' hears."""
    return Answer.of(await parts.monitor.look_now(), version=VERSION)


def _status_line(parts: Parts) -> str:
    """What the service manager shows."""
    uplink = None if parts.sender is None else parts.sender.status
    return status_line(
        source=str(parts.uri),
        fps=parts.watcher.frames_per_s(),
        link_state=None if uplink is None else uplink.link.state.value,
        waiting=None if uplink is None else uplink.waiting,
    )
