"""Keeps a connection to the server and everything that waits on its way there."""

from __future__ import annotations

import asyncio
import random as system_random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import structlog
from websockets.asyncio.client import ClientConnection

from agent.clock import Clock
from agent.delivery import DeliveryStore
from agent.errors import SenderAlreadyRunning
from agent.lock import ProcessLock
from agent.uplink.backoff import Backoff
from agent.uplink.classic import ClassicExchange
from agent.uplink.client import V1Exchange
from agent.uplink.context import ExchangeContext
from agent.uplink.dial import abort, check_address, dial
from agent.uplink.greeting import hello_of
from agent.uplink.intake import Intake
from agent.uplink.link import LinkFailed, LinkFailure, LinkState, LinkStatus
from agent.uplink.message import ClassicEncoder, V1Encoder
from agent.uplink.pacing import Pace
from agent.uplink.patience import Patience
from agent.uplink.progress import Progress
from agent.uplink.racing import first_set, unless, within_grace
from agent.uplink.settings import Identity, UplinkSettings
from agent.uplink.trail import Trail
from agent.uplink.worker import Worker
from telemetry.tracing import RowTracer, trace_context_of
from wire.client_session import ClientSession
from wire.limits import Credit
from wire.rows import Table
from wire.v1 import SUBPROTOCOL

log = structlog.get_logger(__name__)

Exchange = Literal["sightpost.v1", "classic"]
SLOW_SHARE: Final = 0.5
"""Of the longest delay: how soon a refusal is tried again that only a person can mend."""
ONCE_ATTEMPTS: Final = 3
"""Connections in a row without a single answer after which sending once gives up."""
TURN_S: Final = 5.0
"""How often it is looked whether the process that sends has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkStatus:
    """Everything that others show of the uplink; row counts are the database's own books.

    `server_offset_s` is the server's time less ours when it was last connected, None before.
    `duplicates`: see `Progress`; `failures` counts connections that failed or broke, by
    `LinkFailure.label`.
    """

    link: LinkStatus
    waiting: int
    in_flight: int
    acknowledged: int
    refused: int
    last_error: str | None
    connected_since: datetime | None
    exchange: Exchange | None
    server_offset_s: float | None = None
    duplicates: int = 0
    credit: Credit | None = None
    failures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentOnce:
    """What sending once came to. `refused` counts all rows set aside by now.

    `was_stopped`: a signal ended it before it was through.
    """

    was_reached: bool
    was_stopped: bool = False
    waiting: int
    refused: int
    advice: str = ""

    @property
    def is_clean(self) -> bool:
        is_through = self.was_reached and not self.was_stopped
        return is_through and not self.waiting and not self.refused


class Sender:
    """Lives on one event loop; the store is used by the sender's own thread alone."""

    def __init__(
        self,
        store: DeliveryStore,
        *,
        settings: UplinkSettings,
        identity: Identity,
        clock: Clock,
        lock_path: Path,
        random: Callable[[], float] = system_random.random,
        tracer: RowTracer | None = None,
    ) -> None:
        """`tracer` tells of sightings on their way. Raises AddressRefused where the server's
        address may not be used."""
        check_address(settings)
        self._store = store
        self._settings = settings
        self._identity = identity
        self._clock = clock
        self._lock = ProcessLock(
            lock_path,
            taken=lambda holder: SenderAlreadyRunning(
                f"process {holder} sends from this database already ({lock_path} is locked): stop "
                "it, or set AGENT_SENDER=separate where 'agent send' is to do it alone"
            ),
        )
        self._random = random
        self._tracer = tracer
        self._link = LinkStatus(since=clock.now())
        self._backoff = Backoff(cap_s=settings.backoff_max_s)
        self._progress = Progress(clock.now)
        self._failures: Counter[str] = Counter()
        self._patience = Patience()
        self._pace = Pace(settings.max_bytes_s)
        self._untold: frozenset[Table] = frozenset()
        self._wake = asyncio.Event()
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connected_since: datetime | None = None
        self._exchange: Exchange | None = None

    @property
    def status(self) -> UplinkStatus:
        counts = self._progress.counts
        return UplinkStatus(
            link=self._link,
            waiting=counts.waiting,
            in_flight=self._progress.in_flight,
            acknowledged=counts.acknowledged,
            refused=counts.refused,
            last_error=self._progress.last_error,
            connected_since=self._connected_since,
            exchange=self._exchange,
            server_offset_s=self._progress.server_offset_s,
            duplicates=self._progress.duplicates,
            credit=self._progress.credit,
            failures=dict(self._failures),
        )

    @property
    def still_s(self) -> float:
        """Seconds for which the call to the database that is under way has been so."""
        return 0.0 if self._worker is None else self._worker.still_s

    @property
    def url(self) -> str:
        """Where it sends."""
        return self._settings.url

    def notify(self) -> None:
        """A row was committed. Safe from any thread; costs little."""
        loop = self._loop
        if loop is not None and not self._wake.is_set() and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until `stop` is set. Raises SenderAlreadyRunning."""
        async with self._working() as worker:
            await self._send(worker, stop)

    async def run_in_turn(self, stop: asyncio.Event, *, turn_s: float = TURN_S) -> None:
        """As `run`; while another process sends it waits, and says so in its status."""
        async with self._working() as worker:
            while not stop.is_set():
                try:
                    await self._send(worker, stop)
                except SenderAlreadyRunning as taken:
                    if self._link.failure is not LinkFailure.TAKEN:
                        log.warning("waits for its turn to send: %s", taken)
                    self._link = self._link.taken(str(taken), self._clock.now())
                    await first_set(stop, timeout_s=turn_s)
                    await self._count(worker)
        if self._link.state is not LinkState.STOPPED:
            self._move(LinkState.STOPPED)

    async def _send(self, worker: Worker, stop: asyncio.Event) -> None:
        async with self._turn(worker):
            await self._prepare(worker)
            while not stop.is_set():
                failure = await self._attempt(worker, stop, until_empty=False)
                if failure is not None and not stop.is_set():
                    await self._back_off(worker, failure, stop)
            self._move(LinkState.STOPPED)

    @asynccontextmanager
    async def _turn(self, worker: Worker) -> AsyncIterator[None]:
        """Nobody else sends. What the worker was told to do is done before somebody else may."""
        with self._lock:
            try:
                yield
            finally:
                await worker.all_done()

    async def send_once(self, stop: asyncio.Event) -> SentOnce:
        """Sends everything that waits, then returns. Raises SenderAlreadyRunning."""
        async with self._working() as worker, self._turn(worker):
            await self._prepare(worker)
            failures = 0
            while not stop.is_set():
                before = self._learned
                failure = await self._attempt(worker, stop, until_empty=True)
                if failure is None:
                    break
                failures = 1 if self._learned > before else failures + 1
                if failures >= ONCE_ATTEMPTS or failure.failure.needs_a_person:
                    self._move(LinkState.BACKING_OFF)
                    break
                await self._back_off(worker, failure, stop)
            else:
                failure = None
            self._progress.counts = await worker.run(self._store.counts)
            self._move(LinkState.STOPPED)
        counts = self._progress.counts
        return SentOnce(
            was_reached=failure is None,
            was_stopped=stop.is_set(),
            waiting=counts.waiting,
            refused=counts.refused,
            advice=str(failure) if failure else "",
        )

    async def drained(self) -> int:
        """Returns once every row committed until then is settled that the server has a table for.

        How many rows wait for a server that has one for them: 0 of `sightpost.v1`.
        """
        interval_s = self._settings.check_interval_s
        while True:
            changed = asyncio.ensure_future(self._progress.change())
            try:
                worker = self._worker
                if worker is not None and self._progress.in_flight == 0:
                    counts = await worker.run(self._store.counts)
                    without_table = await worker.run(self._store.count_waiting, self._untold)
                    if counts.waiting <= without_table and self._progress.in_flight == 0:
                        return without_table
                # Other programs settle and delete rows as well, and tell nobody.
                await asyncio.wait({changed}, timeout=interval_s)
            finally:
                changed.cancel()

    @property
    def _learned(self) -> int:
        """Grows while connections that fail bring things on."""
        return self._progress.answers + len(self._patience.culprits)

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[Worker]:
        with Worker() as worker:
            self._worker = worker
            try:
                yield worker
            finally:
                self._worker = None

    async def _prepare(self, worker: Worker) -> None:
        self._loop = asyncio.get_running_loop()
        await self._count(worker)

    async def _count(self, worker: Worker) -> None:
        """The books anew; where they cannot be read, the next attempt to send will say so too."""
        try:
            self._progress.counts = await worker.run(self._store.counts)
        except LinkFailed as error:
            self._progress.last_error = str(error)

    async def _attempt(
        self, worker: Worker, stop: asyncio.Event, *, until_empty: bool
    ) -> LinkFailed | None:
        """One connection from dialling to its end; None when it was ended by us."""
        self._move(LinkState.CONNECTING)
        try:
            version = self._identity.agent_version
            connection = await unless(stop, dial(self._settings, agent_version=version))
            if connection is None:
                return None
            try:
                await self._serve(connection, worker, stop, until_empty=until_empty)
            except LinkFailed:
                await abort(connection)
                raise
            await connection.close()
        except LinkFailed as error:
            return error
        finally:
            self._connected_since = None
            self._exchange = None
        return None

    async def _serve(
        self,
        connection: ClientConnection,
        worker: Worker,
        stop: asyncio.Event,
        *,
        until_empty: bool,
    ) -> None:
        self._move(LinkState.GREETING)
        exchange = await self._exchange_for(connection, worker, until_empty=until_empty)
        await unless(stop, exchange.greet())
        if stop.is_set():
            return
        self._move(LinkState.OPEN)
        self._connected_since = self._clock.now()
        log.info("SUCCESS connected", url=self._settings.url, exchange=self._exchange)
        answers = self._progress.answers
        try:
            await within_grace(stop, self._settings.stop_grace_s, exchange.run(stop))
        finally:
            if self._progress.answers > answers:
                self._backoff = self._backoff.succeeded()

    async def _exchange_for(
        self, connection: ClientConnection, worker: Worker, *, until_empty: bool
    ) -> V1Exchange | ClassicExchange:
        is_v1 = connection.subprotocol == SUBPROTOCOL
        self._exchange = "sightpost.v1" if is_v1 else "classic"
        trace_of = None if self._tracer is None else trace_context_of
        encoder = V1Encoder(trace_of=trace_of) if is_v1 else self._classic_encoder()
        self._untold = frozenset(Table) - encoder.tables
        now_s = self._clock.boot_time_s
        identity = await worker.run(self._store.identity)  # first: it may open another database
        intake = await worker.run(
            Intake,
            self._store,
            encoder,
            put_off=self._patience.put_off,
            check_interval_s=self._settings.check_interval_s,
            now_s=now_s(),
        )
        context = ExchangeContext(
            worker=worker,
            settings=self._settings,
            progress=self._progress,
            wake=self._wake,
            now_s=now_s,
            random=self._random,
            until_empty=until_empty,
            patience=self._patience,
            pace=self._pace,
            trail=Trail(self._tracer),
        )
        if not is_v1:
            return ClassicExchange(connection, intake, context)
        counts = await worker.run(self._store.counts)
        hello = hello_of(identity, self._identity, waiting=counts.waiting, clock=self._clock)
        session = ClientSession(hello)
        return V1Exchange(connection, session, intake, context)

    def _classic_encoder(self) -> ClassicEncoder:
        return ClassicEncoder(
            checkpoint_id=self._identity.checkpoint_id, hostname=self._identity.hostname
        )

    async def _back_off(self, worker: Worker, failure: LinkFailed, stop: asyncio.Event) -> None:
        asked_s = failure.retry_after_s
        if asked_s is None and failure.failure.needs_a_person:
            asked_s = self._settings.backoff_max_s * SLOW_SHARE
        self._backoff, delay_s = self._backoff.failed(random=self._random(), retry_after_s=asked_s)
        now = self._clock.now()
        self._link = self._link.failed(failure, now=now, retry_at=now + timedelta(seconds=delay_s))
        self._progress.last_error = str(failure)
        self._failures[failure.failure.label] += 1
        log.error(
            "no link",
            failure=failure.failure.label,
            reason=str(failure),
            retry_in_s=round(delay_s, 1),
        )
        self._progress.tell()
        await first_set(stop, timeout_s=delay_s)
        await self._count(worker)

    def _move(self, state: LinkState) -> None:
        self._link = self._link.moved(state, self._clock.now())
        self._progress.tell()
