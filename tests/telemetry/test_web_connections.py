"""What a stranger can make a web server hold: real connections on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from fastapi import FastAPI

from telemetry.web_connections import Bounds
from telemetry.web_server import WebServer

REQUEST = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
MANY_BYTES = 16 * 1024 * 1024


@contextlib.asynccontextmanager
async def served(bounds: Bounds) -> AsyncIterator[int]:
    """The port of a server with one page."""
    app = FastAPI()

    @app.get("/")
    async def page() -> str:
        return "there"

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = WebServer(app, listener, bounds=bounds)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run_until_stopped())
            try:
                yield int(listener.getsockname()[1])
            finally:
                server.stop()


async def says(port: int, *pieces: bytes) -> bytes:
    """Everything that comes back before the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
    answer = b""
    with contextlib.suppress(ConnectionError):
        answer = await reader.read()
    writer.close()
    return answer


async def test_who_says_nothing_or_never_ends_is_not_waited_for() -> None:
    async with served(Bounds(head_s=0.1)) as port:
        assert await says(port) == b""
        assert await says(port, REQUEST[:-2]) == b""
        head, begun_anew = REQUEST, REQUEST[:-2]
        assert (await says(port, head, begun_anew)).count(b"200 OK") == 1


async def test_an_endless_head_is_refused_before_it_fills_the_memory() -> None:
    async with served(Bounds()) as port:
        piece = b"a" * 65536
        for begin in (b"GET / HTTP/1.1\r\nx: ", b"GET /", b"GET / HTTP/1.1\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            sent = 0
            with contextlib.suppress(ConnectionError):
                writer.write(begin)
                while sent < MANY_BYTES and not reader.at_eof():
                    writer.write(piece)
                    await writer.drain()
                    sent += len(piece)
            assert sent < MANY_BYTES
            writer.close()


async def test_a_head_of_many_pieces_and_one_of_many_requests_are_answered() -> None:
    async with served(Bounds(head_s=5)) as port:
        last = REQUEST.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        pieces = [bytes([each]) for each in last]
        assert (await says(port, *pieces)).count(b"200 OK") == 1
        assert (await says(port, REQUEST * 5, last)).count(b"200 OK") == 6


async def test_beyond_the_most_connections_further_ones_are_closed() -> None:
    async with served(Bounds(connections=2)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        assert await says(port, REQUEST) == b""
        held[0][1].close()
        await held[0][1].wait_closed()
        last = REQUEST.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        while b"200 OK" not in await says(port, last):
            pass  # the server has not noticed yet
        held[1][1].close()
