"""The sender alone, built from its parts: `python -m agent send`."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

import structlog

from agent.building import (
    make_sender,
    make_tracer,
    picture_format_of,
    prepare_process,
    trial_hello,
    uplink_settings_of,
)
from agent.clock import SystemClock, clock_is_set
from agent.config import AgentSettings
from agent.ending import EXIT_FAILED, EXIT_INCOMPLETE, EXIT_OK
from agent.errors import AgentError
from agent.outbox.inspection import inspect
from agent.outbox.sending import SendingStore
from agent.process import run_loop
from agent.refusing import refuse_unusable
from agent.uplink.dial import check_address
from agent.uplink.greeting import let_in
from agent.uplink.link import LinkFailed
from agent.uplink.sender import Sender
from agent.watchdog import status_line, works_of
from db.rights import rights_of_master
from telemetry.service_manager import ServiceManager, report
from wire.v1 import Hello

log = structlog.get_logger(__name__)


def run_sender(
    settings: AgentSettings,
    *,
    once: bool,
    retry_refused: bool,
    resend_since: datetime | None = None,
    quiet: bool = False,
) -> int:
    """The sender alone; with `once` until what waits is sent; the exit code.

    Raises SettingsInvalid or AgentError where it cannot start.
    """
    prepare_process(settings, log_file=settings.sender_log_file, to_stderr=not quiet)
    refuse_unusable(settings, watches=False, sends=True)
    return run_loop(
        lambda stop: _send(
            settings, stop, once=once, retry_refused=retry_refused, resend_since=resend_since
        ),
        told=(AgentError,),
    )


async def _send(
    settings: AgentSettings,
    stop: asyncio.Event,
    *,
    once: bool,
    retry_refused: bool,
    resend_since: datetime | None,
) -> int:
    clock = SystemClock()
    store = await asyncio.to_thread(
        SendingStore.open,
        settings.db_path,
        settings.images_dir,
        settings.name,
        clock=clock,
        picture_format=picture_format_of(settings),
        is_default_name=not settings.device_id,
    )
    with contextlib.ExitStack() as closing:
        closing.callback(store.close)
        if retry_refused:
            queued = await asyncio.to_thread(store.retry_refused)
            log.info("refused rows queued again", rows=queued)
        if resend_since is not None:
            queued = await asyncio.to_thread(store.resend_since, resend_since)
            log.info("acknowledged rows queued again", rows=queued, since=str(resend_since))
        tracer = make_tracer(settings)
        if tracer is not None:
            closing.callback(tracer.close)
        sender = make_sender(settings, store, clock, tracer=tracer)
        await clock_is_set(clock, give_up_at_boot_s=settings.clock_wait_s, stop=stop)
        if not once:
            await _send_on(sender, stop)
            return EXIT_OK
        sent = await sender.send_once(stop)
    if stop.is_set() and not sent.is_clean:
        log.error("stopped before everything was sent", waiting=sent.waiting)
        return EXIT_FAILED
    if not sent.was_reached:
        raise AgentError(f"the server was not reached, {sent.waiting} rows wait: {sent.advice}")
    if not sent.is_clean:
        log.error(
            "not everything is on the server: see send_error in the database",
            refused=sent.refused,
            waiting=sent.waiting,
        )
        return EXIT_INCOMPLETE
    log.info("SUCCESS everything is sent")
    return EXIT_OK


def try_server(settings: AgentSettings) -> str:
    """Connects and greets as the sender would, sends no row; what to tell. Raises AgentError
    saying why not.

    Address, name, TLS, token and device id are tried. The database is only read.
    """
    now = datetime.now(UTC)
    with rights_of_master(settings.db_path, inspect.__module__) as call:
        inspection = call(inspect, settings.db_path, settings.images_dir, now)
    return asyncio.run(_try_server(settings, trial_hello(settings, inspection)))


async def _try_server(settings: AgentSettings, hello: Hello) -> str:
    uplink = uplink_settings_of(settings)
    check_address(uplink)
    try:
        connection = await let_in(uplink, hello)
    except LinkFailed as error:
        raise AgentError(f"{uplink.url}: {error}") from error
    spoken = connection.subprotocol or "the classic exchange"
    await connection.close()
    return f"SUCCESS {uplink.url} lets {hello.device_id} in and speaks {spoken}"


async def _send_on(sender: Sender, stop: asyncio.Event) -> None:
    """Sends until `stop`, and says so to the service manager."""

    def status() -> str:
        uplink = sender.status
        return status_line(source=None, link_state=uplink.link.state.value, waiting=uplink.waiting)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            report(
                ServiceManager.from_environment(),
                status=status,
                works=lambda: works_of(watching_s=None, sending_s=sender.still_s),
                stop=stop,
            )
        )
        with contextlib.ExitStack() as quitting:
            quitting.callback(stop.set)
            await sender.run(stop)
