"""Builds the server from its parts, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from server.config import ServerSettings
from server.errors import ConfigInvalid, StartRefused, StorageUnavailable
from server.figures import ServerFigures
from server.ingest.access import AccessPolicy, exposure_fault
from server.ingest.budget import ByteBudget
from server.ingest.door import CountingContext
from server.ingest.gateway import Gateway
from server.ingest.guests import Guests
from server.ingest.meter import IngestMeter
from server.ingest.patience import Patience
from server.ingest.stats import Counters
from server.ingest.writer import GroupWriter
from server.storage import tokens
from server.storage.adoption import prepare_database
from server.storage.lock import DatabaseLock
from server.storage.sqlite import SqliteStore
from server.web.application import create_application
from server.web.health import HealthReport
from telemetry.service_manager import Watched
from telemetry.version import VERSION
from telemetry.web_server import WebServer
from wire.limits import Limits

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often lines and tokens are looked at, and how long peers are waited for.

    A revoked token's connections end within `tokens_s`.
    """

    lines_s: float = 1.0
    tokens_s: float = 5.0
    patience: Patience = field(default_factory=Patience)


DEFAULT_PACE: Final = Pace()
STORING_LIMIT_S: Final = 180.0
"""A group of rows takes a second at most; waiting for another program's lock takes part of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that takes rows. The ports are those that were bound, also where 0 was asked for."""

    ingest_port: int
    web_port: int
    counters: Counters
    writer: GroupWriter

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
    now: Callable[[], datetime] = utc_now,
    pace: Pace = DEFAULT_PACE,
) -> AsyncIterator[Running]:
    """A server that runs inside `async with`.

    On leaving, what was taken is committed and acknowledged first. Raises StartRefused or
    ConfigInvalid where it cannot start, having changed nothing.
    """
    with contextlib.ExitStack() as resources:
        await asyncio.to_thread(_check_exposure, settings)
        tls = _tls_context(settings)
        ingest = resources.enter_context(_listener(settings.host, settings.port, "SERVER_PORT"))
        web = resources.enter_context(
            _listener(settings.web_host, settings.web_port, "SERVER_WEB_PORT")
        )
        resources.enter_context(DatabaseLock(settings.db_path))
        prepared = await asyncio.to_thread(
            prepare_database, settings.db_path, zone_of=settings.zone_of, now=now()
        )
        if prepared.backup is not None:
            _log.info(
                "database brought to this version",
                database=str(settings.db_path),
                backup=str(prepared.backup),
                older_rows=prepared.adopted_rows,
            )
        async with (
            _opened(settings) as store,
            _serving(settings, store, ingest, web, tls, now, pace) as state,
        ):
            yield state


@contextlib.asynccontextmanager
async def _serving(
    settings: ServerSettings,
    store: SqliteStore,
    ingest: socket.socket,
    web: socket.socket,
    tls: ssl.SSLContext | None,
    now: Callable[[], datetime],
    pace: Pace,
) -> AsyncIterator[Running]:
    counters = Counters()
    budget = ByteBudget(settings.memory_budget_mb * 1024 * 1024)
    meter = IngestMeter() if settings.metrics else None
    writer = GroupWriter(store, budget, counters, now=now, meter=meter)
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
    report = _health_reporter(settings, store, writer, counters)
    figures = None
    if meter is not None:
        figures = ServerFigures(
            settings=settings,
            store=store,
            gateway=gateway,
            writer=writer,
            budget=budget,
            counters=counters,
            meter=meter,
            now=now,
        )
    web_server = WebServer(create_application(report, figures), web)
    state = Running(
        ingest_port=ingest.getsockname()[1],
        web_port=web.getsockname()[1],
        counters=counters,
        writer=writer,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.run())
        tasks.create_task(web_server.run_until_stopped())
        chores = [
            tasks.create_task(_record_stats(store, counters, settings.stats_interval_s, now)),
            tasks.create_task(_look_at_lines(gateway, pace)),
            tasks.create_task(_look_at_tokens(gateway, pace)),
        ]
        await gateway.start(ingest, tls)
        scheme = "ws" if tls is None else "wss"
        _log.info(
            "listening",
            cameras=f"{scheme}://{settings.host}:{state.ingest_port}",
            web=f"http://{settings.web_host}:{state.web_port}",
            database=str(settings.db_path),
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


@contextlib.asynccontextmanager
async def _opened(settings: ServerSettings) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(settings.db_path, settings.pictures_path)
    try:
        yield store
    finally:
        await store.close()


def _policy(settings: ServerSettings) -> AccessPolicy:
    return AccessPolicy(
        classic_networks=settings.classic_networks,
        allowed_origins=settings.allowed_origins,
        allow_plaintext=settings.allow_plaintext,
        trusts_this_machine=not settings.local_tokens,
        trusted_proxies=settings.trusted_proxies,
    )


def _check_exposure(settings: ServerSettings) -> None:
    """Before anything is touched: a server that refuses to start leaves things as they were."""
    fault = exposure_fault(
        host=settings.host,
        has_tokens=tokens.has_live_token(settings.db_path),
        has_tls=settings.tls_cert is not None,
        policy=_policy(settings),
    )
    if fault is not None:
        raise StartRefused(fault)


def _health_reporter(
    settings: ServerSettings, store: SqliteStore, writer: GroupWriter, counters: Counters
) -> Callable[[], Awaitable[HealthReport]]:
    started = time.monotonic()

    async def report() -> HealthReport:
        reason = writer.trouble
        try:
            await store.check()
        except StorageUnavailable as error:
            reason = str(error)
        return HealthReport(
            status="ok" if reason is None else "failing",
            reason=reason,
            database=str(settings.db_path),
            connections=counters.active_connections,
            rows_received=counters.rows_received,
            uptime_s=round(time.monotonic() - started, 3),
            version=VERSION,
        )

    return report


async def _record_stats(
    store: SqliteStore, counters: Counters, interval_s: float, now: Callable[[], datetime]
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


def _tls_context(settings: ServerSettings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = CountingContext(ssl.PROTOCOL_TLS_SERVER)
    context.most = settings.max_connections
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"SERVER_TLS_CERT={settings.tls_cert} with SERVER_TLS_KEY={settings.tls_key} cannot be "
            f"used: {error}; write the paths of a PEM certificate chain and of its private key"
        ) from error
    if settings.tls_client_ca is not None:
        _demand_certificates(context, settings.tls_client_ca)
    return context


def _demand_certificates(context: ssl.SSLContext, authority: Path) -> None:
    """Who has no certificate of this authority does not get as far as the token."""
    try:
        context.load_verify_locations(authority)
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"SERVER_TLS_CLIENT_CA={authority} cannot be used: {error}; write the path of the PEM "
            "file of the authority that signed the cameras' certificates"
        ) from error
    context.verify_mode = ssl.CERT_REQUIRED


def _listener(host: str, port: int, key: str) -> socket.socket:
    """A bound socket, so that a taken port is found before anything is touched."""
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(places)  # of localhost's two, the IPv4 one
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise StartRefused(
            f"cannot listen on {host} port {port}: {error.strerror or error}; stop what uses it, "
            f"or choose another, for example {key}={port + 1 if 0 < port < 65535 else 0}"
        ) from error
    return listener
