"""Builds the server from its parts, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from server.condition import Condition
from server.config import ServerSettings
from server.errors import StartRefused, StorageUnavailable
from server.figures import ServerFigures
from server.ingest.access import AccessPolicy, exposure_fault
from server.ingest.budget import ByteBudget
from server.ingest.gateway import Gateway
from server.ingest.guests import Guests
from server.ingest.meter import IngestMeter
from server.ingest.patience import Patience
from server.ingest.stats import Counters
from server.ingest.writer import GroupWriter
from server.keeping import Kept, has_live_token, kept
from server.listening import Openings, opened, web_exposure_fault
from server.minute_keeper import MinuteKeeper
from server.role import Role
from server.storage.protocol import CentreStore
from server.supervision import kept_running, watch_memory
from server.troubles import Troubles
from server.web_side import WebSide, watching_side, web_side, write_uses
from telemetry.error_book import ErrorBook
from telemetry.process_memory import give_back
from telemetry.service_manager import Watched
from telemetry.tracing import RowTracer, TracingUnavailable, tracer_to
from telemetry.web_server import WebServer
from wire.limits import Limits

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often lines and tokens are looked at, and how long peers are waited for.

    A revoked token's connections end within `tokens_s`. What services did is written down every
    `minutes_s`, and what SQLite keeps of databases in memory is given back.
    """

    lines_s: float = 1.0
    tokens_s: float = 5.0
    minutes_s: float = 60.0
    patience: Patience = field(default_factory=Patience)


DEFAULT_PACE: Final = Pace()
STORING_LIMIT_S: Final = 180.0
"""A group of rows takes a second at most; waiting for another program's lock takes part of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that takes rows. The ports are those that were bound, also where 0 was asked for.

    `pages_url` is where a browser finds the pages; None: it shows none.
    `setup_url` is the link by which the first admin is made, once; None: there is one.
    """

    ingest_port: int
    web_port: int
    counters: Counters
    writer: GroupWriter
    pages_url: str | None
    setup_url: str | None

    def works(self) -> tuple[Watched, ...]:
        """What has to go on, for whoever watches this program."""
        return (Watched(name="storing", still_s=self.writer.still_s, limit_s=STORING_LIMIT_S),)

    def status_line(self) -> str:
        """For `systemctl status`."""
        connections = self.counters.active_connections
        return f"{connections} cameras connected, {self.counters.rows_received} rows received"


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def running(
    settings: ServerSettings,
    *,
    role: Role = Role.ALL,
    shares_port: bool = False,
    now: Callable[[], datetime] = utc_now,
    pace: Pace = DEFAULT_PACE,
    errors: ErrorBook | None = None,
    tracer: RowTracer | None = None,
) -> AsyncIterator[Running]:
    """A server that runs inside `async with`. `errors` are those of its log, for pages and REST;
    `tracer` None: as SERVER_TRACES_URL says.

    On leaving, what was taken is committed and acknowledged first. `shares_port`: other processes
    listen for cameras on the same port. Raises StartRefused or ConfigInvalid where it cannot start,
    having changed nothing.
    """
    await _check_exposure(settings, role)
    with opened(settings, role, shares_port=shares_port) as openings:
        async with (
            kept(settings, role, now) as held,
            _tracing(settings, tracer) as own_tracer,
            _serving(
                settings, role, held, openings, now, pace, errors or ErrorBook(), own_tracer
            ) as state,
        ):
            yield state


@contextlib.asynccontextmanager
async def _serving(
    settings: ServerSettings,
    role: Role,
    held: Kept,
    openings: Openings,
    now: Callable[[], datetime],
    pace: Pace,
    errors: ErrorBook,
    tracer: RowTracer | None,
) -> AsyncIterator[Running]:
    store = held.store
    counters = Counters()
    budget = ByteBudget(settings.memory_budget_mb * 1024 * 1024)
    meter = IngestMeter() if settings.metrics else None
    writer = GroupWriter(
        store,
        budget,
        counters,
        now=now,
        meter=meter,
        committed=held.ground.committed.ring,
        tracer=tracer,
    )
    gateway = Gateway(
        store=store,
        writer=writer,
        budget=budget,
        counters=counters,
        policy=_policy(settings),
        limits=Limits(),
        max_connections=settings.max_connections,
        patience=pace.patience,
        guests=Guests(
            per_address=settings.max_connections_per_address,
            per_device=settings.max_connections_per_device,
        ),
        zone_of=settings.zone_of,
        now=now,
    )
    figures, troubles = None, Troubles()
    if meter is not None:
        figures = ServerFigures(
            settings=settings,
            store=store,
            gateway=gateway,
            writer=writer,
            budget=budget,
            counters=counters,
            meter=meter,
            errors=errors,
            troubles=troubles,
            pools=() if held.shared is None else (held.shared.pool, held.shared.pages),
            now=now,
        )
    condition = Condition(
        settings=settings,
        store=store,
        writer=writer,
        budget=budget,
        counters=counters,
        meter=meter,
        requests=None if figures is None else figures.requests,
        troubles=troubles,
    )
    async with (
        _side(settings, role, condition, figures, gateway, held, now, errors) as side,
        asyncio.TaskGroup() as tasks,
    ):
        web_server = WebServer(
            side.application,
            openings.browsers,
            tls=openings.browsers_tls,
            trusts_proxies=False,
            has_sockets=role.shows_pages and (settings.pages or side.feed is not None),
        )
        state = Running(
            ingest_port=openings.cameras_port,
            web_port=openings.browsers_port,
            counters=counters,
            writer=writer,
            pages_url=(
                f"{_web_url(settings, openings)}/" if role.shows_pages and settings.pages else None
            ),
            setup_url=_setup_url(settings, openings, side.setup_path),
        )
        tasks.create_task(writer.run())
        tasks.create_task(web_server.run_until_stopped())
        beside: dict[str, Callable[[], Awaitable[None]]] = {
            "server_stats": lambda: _record_stats(store, counters, settings.stats_interval_s, now),
            "lines": lambda: _look_at_lines(gateway, pace),
            "tokens": lambda: _look_at_tokens(gateway, pace),
            "freed memory": lambda: _release_memory(store, pace.minutes_s),
            "memory": watch_memory,
        }
        if side.accounts is not None:
            beside["uses"] = partial(write_uses, side.accounts)
        if side.feed is not None:
            beside["live figures"] = side.feed.run
        if figures is not None:
            beside["minutes"] = MinuteKeeper(figures, interval_s=pace.minutes_s).run
        chores = [tasks.create_task(kept_running(name, work)) for name, work in beside.items()]
        if openings.cameras is not None:
            await gateway.start(openings.cameras, openings.cameras_tls, lists=side.camera_lists)
        scheme = "ws" if openings.cameras_tls is None else "wss"
        _log.info(
            "listening",
            cameras=f"{scheme}://{settings.host}:{state.ingest_port}" if role.takes_rows else None,
            web=_web_url(settings, openings),
            database=settings.database_place,
            process=os.getpid(),
        )
        try:
            yield state
        finally:
            for chore in chores:
                chore.cancel()
            web_server.stop()
            await gateway.stop()
            writer.stop()
    with contextlib.suppress(StorageUnavailable):  # said already where it matters
        await store.record_stats(counters.snapshot(), now())
    _log.info("stopped", rows_received=counters.rows_received)


def _side(
    settings: ServerSettings,
    role: Role,
    condition: Condition,
    figures: ServerFigures | None,
    gateway: Gateway,
    held: Kept,
    now: Callable[[], datetime],
    errors: ErrorBook,
) -> contextlib.AbstractAsyncContextManager[WebSide]:
    if role.shows_pages:
        return web_side(settings, condition, figures, gateway.connected, held, now, errors)
    return watching_side(settings, condition, figures, held.ground, errors)


@contextlib.asynccontextmanager
async def _tracing(
    settings: ServerSettings, given: RowTracer | None
) -> AsyncIterator[RowTracer | None]:
    """None where nobody wants traces. Raises StartRefused."""
    if given is not None or not settings.traces_url:
        yield given
        return
    try:
        tracer = tracer_to(
            settings.traces_url, service="sightpost-server", instance=socket.gethostname()
        )
    except TracingUnavailable as error:
        raise StartRefused(f"SERVER_TRACES_URL: {error}") from error
    try:
        yield tracer
    finally:
        await asyncio.to_thread(tracer.close)


def _web_url(settings: ServerSettings, openings: Openings) -> str:
    """As a person types it: where every address is listened on, this machine's name."""
    host = settings.web_host
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 (compared with)
        host = socket.gethostname()
    scheme = "http" if openings.browsers_tls is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{openings.browsers_port}"


def _setup_url(settings: ServerSettings, openings: Openings, path: str | None) -> str | None:
    return None if path is None else f"{_web_url(settings, openings)}{path}"


def _policy(settings: ServerSettings) -> AccessPolicy:
    return AccessPolicy(
        classic_networks=settings.classic_networks,
        allowed_origins=settings.allowed_origins,
        allow_plaintext=settings.allow_plaintext,
        trusts_this_machine=not settings.local_tokens,
        trusted_proxies=settings.trusted_proxies,
    )


async def _check_exposure(settings: ServerSettings, role: Role) -> None:
    """Before anything is touched: a server that refuses to start leaves things as they were."""
    fault = None
    if role.takes_rows:
        fault = exposure_fault(
            host=settings.host,
            has_tokens=await has_live_token(settings),
            has_tls=settings.tls_cert is not None,
            policy=_policy(settings),
        )
    fault = fault or web_exposure_fault(
        host=settings.web_host,
        has_tls=settings.tls_cert is not None,
        allow_plaintext=settings.allow_plaintext,
    )
    if fault is not None:
        raise StartRefused(fault)


async def _record_stats(
    store: CentreStore, counters: Counters, interval_s: float, now: Callable[[], datetime]
) -> None:
    """A row of `server_stats` each interval in which something changed."""
    written = counters.snapshot()
    while True:
        await asyncio.sleep(interval_s)
        present = counters.snapshot()
        if present == written:
            continue
        try:
            await store.record_stats(present, now())
            written = present
        except StorageUnavailable as error:
            _log.warning("server_stats not written", reason=str(error))


async def _release_memory(store: CentreStore, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        await store.release_memory()
        await asyncio.to_thread(give_back)


async def _look_at_lines(gateway: Gateway, pace: Pace) -> None:
    while True:
        await asyncio.sleep(pace.lines_s)
        gateway.look_at_lines()


async def _look_at_tokens(gateway: Gateway, pace: Pace) -> None:
    while True:
        await asyncio.sleep(pace.tokens_s)
        try:
            await gateway.look_at_tokens()
        except StorageUnavailable as error:
            _log.warning("tokens cannot be looked up", reason=str(error))
