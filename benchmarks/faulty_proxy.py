"""A TCP proxy between a client and a server that can be made to fail as networks do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

CHUNK_BYTES: Final = 16_384
PATIENCE_S: Final = 3.0
"""How long a cut waits for the bytes after which it was to come; then it comes anyway."""

_RESET: Final = struct.pack("ii", 1, 0)  # struct linger: close() sends RST, tcp(7)


@dataclass(slots=True)
class _Way:
    """One direction of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_upward: bool
    held: bytearray = field(default_factory=bytearray)


@dataclass(slots=True, eq=False)
class _Connection:
    """While it is not `flowing`, bytes are taken from both sides and kept."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    flowing: asyncio.Event

    def reset(self) -> None:
        _reset(self.client)
        _reset(self.server)


class FaultyProxy:
    """Listens on a free port of loopback; what comes goes to `target_port` there.

    Faults are coroutines that return when the fault is over. They concern connections that are
    open when they begin; delays and stalls also new ones.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._connections: set[_Connection] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._latency_s = 0.0
        self._cut_after: dict[bool, int] = {}
        self._cut_done = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        self.bytes_carried = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Resets whatever is open; returns when nothing of it is left."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._passing.set()
        self._reset_all()
        await asyncio.gather(*self._serving)

    async def cut(self, *, after_bytes: int, is_upward: bool) -> bool:
        """Resets all connections once so many bytes have passed; whether they did in time."""
        self._cut_after[is_upward] = after_bytes
        self._cut_done.clear()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._cut_done.wait()
            return True
        except TimeoutError:
            self._cut_after.pop(is_upward, None)
            self._reset_all()
            return False

    async def delay(self, *, latency_s: float, lasts_s: float) -> None:
        """Each piece waits so long before it goes on."""
        self._latency_s = latency_s
        await asyncio.sleep(lasts_s)
        self._latency_s = 0.0

    async def stall(self, *, lasts_s: float) -> None:
        """Nothing moves in either direction; afterwards all goes on where it stood."""
        self._passing.clear()
        await asyncio.sleep(lasts_s)
        self._passing.set()

    async def half_open(self, *, lasts_s: float) -> None:
        """What is sent vanishes and nothing comes, as behind a router that forgot the connection.

        At the end both sides get a reset, as they would with their next segment.
        """
        with self._frozen() as frozen:
            await asyncio.sleep(lasts_s)
        for connection in frozen:
            connection.reset()

    async def deliver_late(self, *, lasts_s: float) -> None:
        """The client gets a reset at once; what it had sent reaches the server later."""
        with self._frozen() as frozen:
            for connection in frozen:
                _reset(connection.client)
            await asyncio.sleep(lasts_s)
        await asyncio.sleep(0.2)  # what was held goes on
        for connection in frozen:
            _reset(connection.server)

    @contextlib.contextmanager
    def _frozen(self) -> Iterator[list[_Connection]]:
        frozen = list(self._connections)
        for connection in frozen:
            connection.flowing.clear()
        try:
            yield frozen
        finally:
            for connection in frozen:
                connection.flowing.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(
                "127.0.0.1", self._target_port
            )
        except OSError:
            _reset(writer)
            return
        flowing = asyncio.Event()
        flowing.set()
        connection = _Connection(writer, server_writer, flowing)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(connection, _Way(reader, server_writer, True)))
                tasks.create_task(self._pump(connection, _Way(server_reader, writer, False)))
        finally:
            self._connections.discard(connection)
            connection.reset()

    async def _pump(self, connection: _Connection, way: _Way) -> None:
        """Carries bytes one way until an end; errors of either socket are an end too."""
        with contextlib.suppress(OSError):
            while content := await self._next(connection, way):
                await self._passing.wait()
                if self._latency_s:
                    await asyncio.sleep(self._latency_s)
                if self._is_cut_by(content, way):
                    return
                way.writer.write(content)
                self.bytes_carried += len(content)
                await way.writer.drain()
        with contextlib.suppress(OSError):
            if way.writer.can_write_eof():
                way.writer.write_eof()

    async def _next(self, connection: _Connection, way: _Way) -> bytes:
        """The next bytes; while frozen they are taken and kept, so that nobody sees it."""
        while True:
            content = b""
            with contextlib.suppress(OSError):
                content = await way.reader.read(CHUNK_BYTES)
            way.held += content
            if not content:
                await connection.flowing.wait()
            if connection.flowing.is_set():
                held, way.held = bytes(way.held), bytearray()
                return held

    def _is_cut_by(self, content: bytes, way: _Way) -> bool:
        left = self._cut_after.get(way.is_upward)
        if left is None:
            return False
        if len(content) < left:
            self._cut_after[way.is_upward] = left - len(content)
            return False
        del self._cut_after[way.is_upward]
        way.writer.write(content[:left])  # asyncio sends at once what the socket takes
        self._reset_all()
        self._cut_done.set()
        return True

    def _reset_all(self) -> None:
        for connection in tuple(self._connections):
            connection.reset()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
