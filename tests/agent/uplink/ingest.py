"""A small real `sightpost.v1` server: websockets and `wire.server_session`, rows kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from wire.accepted import AcceptedRow
from wire.limits import Credit, Limits
from wire.server_session import (
    FrameRefused,
    HelloReceived,
    RowsReceived,
    ServerSession,
)
from wire.v1 import SUBPROTOCOL, Hello, RowResult


@dataclass
class Ingest:
    """What came in, and what to do with it.

    `judge` may answer a row itself; None stores it. `before_ack` is called when rows are stored
    and not acknowledged yet, and may raise ConnectionResetError to cut the connection there.
    """

    credit: Credit = field(default_factory=lambda: Credit(rows=1000, bytes=4_000_000))
    limits: Limits = field(default_factory=Limits)
    judge: Callable[[AcceptedRow], RowResult | None] = lambda row: None
    before_ack: Callable[[RowsReceived], None] = lambda event: None
    refuse_frame: Callable[[bytes], bytes | None] = lambda content: None
    rows: dict[str, AcceptedRow] = field(default_factory=dict)
    arrivals: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    hellos: list[Hello] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def __post_init__(self) -> None:
        self.gate.set()

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers.append(dict(connection.request.headers.raw_items()))
        session = ServerSession(limits=self.limits)
        try:
            while True:
                content = await connection.recv(decode=False)
                await self._answer(connection, session, content)
        except ConnectionClosed:
            pass
        except ConnectionResetError:
            connection.transport.abort()

    async def _answer(
        self, connection: ServerConnection, session: ServerSession, content: bytes
    ) -> None:
        refusal = self.refuse_frame(content)
        if refusal is not None:
            await connection.send(refusal, text=True)
            return
        event = session.receive(content)
        if isinstance(event, HelloReceived):
            self.hellos.append(event.hello)
            held = [row for row in self.rows.values() if row.epoch == event.hello.epoch]
            highest = max((row.row.sequence for row in held), default=0)
            welcome = session.welcome(
                last_sequence=highest, credit=self.credit, now=datetime.now(UTC)
            )
            await connection.send(welcome, text=True)
        elif isinstance(event, RowsReceived):
            results = [*event.refused, *(self._store(row) for row in event.rows)]
            self.frames.append(len(results))
            await self.gate.wait()
            self.before_ack(event)
            answer = session.acknowledge(event.frame, results, credit=self.credit)
            await connection.send(answer, text=True)
        elif isinstance(event, FrameRefused):
            await connection.send(event.answer, text=True)

    def _store(self, row: AcceptedRow) -> RowResult:
        self.arrivals.append(row.id)
        verdict = self.judge(row)
        if verdict is not None:
            return verdict
        held = self.rows.get(row.id)
        if held is not None:
            assert held.fingerprint == row.fingerprint
            self.duplicates.append(row.id)
        self.rows[row.id] = row
        number = list(self.rows).index(row.id) + 1 if len(self.rows) < 2000 else 1
        return RowResult(id=row.id, success=True, record_id=number, duplicate=held is not None)


@asynccontextmanager
async def serving(
    ingest: Ingest,
    *,
    port: int = 0,
    process_request: Callable[[ServerConnection, Request], Response | None] | None = None,
) -> AsyncIterator[Server]:
    """The server on a free port; `ingest.url` says where."""
    server = await serve(
        ingest.handle,
        "127.0.0.1",
        port,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        max_size=64_000_000,
        process_request=process_request,
    )
    async with server:
        (bound,) = [sock.getsockname()[1] for sock in server.sockets]
        ingest.url = f"ws://127.0.0.1:{bound}/"
        try:
            yield server
        finally:
            ingest.gate.set()  # nobody is held back by a test that is over
