"""Handshakes that are not finished are few, whoever begins them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop

from server.app import running
from server.ingest.door import CountingContext, Door
from tests.end_to_end.certificates import authority_in, signed_by
from tests.server.cameras import health_row, v1_camera
from tests.server.conftest import settings_in


@dataclass(eq=False)
class Knocking:
    peer: str
    is_there: bool = True

    def hang_up(self) -> None:
        self.is_there = False


def test_beyond_the_limit_the_oldest_of_the_fullest_place_goes() -> None:
    door = Door(most=4)
    crowd = [Knocking("10.0.0.1") for _ in range(3)]
    neighbour = Knocking("10.0.0.2")
    door.knocked(neighbour)
    for each in crowd:
        door.knocked(each)
    assert door.waiting == 4
    late = Knocking("10.0.0.3")
    door.knocked(late)
    assert [each.is_there for each in (neighbour, *crowd, late)] == [True, False, True, True, True]
    assert door.waiting == 4


def test_who_came_in_counts_no_more() -> None:
    door = Door(most=1)
    first, second = Knocking("10.0.0.1"), Knocking("10.0.0.1")
    door.knocked(first)
    door.left(first)
    door.left(first)
    door.knocked(second)
    assert (first.is_there, second.is_there, door.waiting) == (True, True, 1)


def test_places_that_nobody_waits_from_are_forgotten() -> None:
    door = Door(most=4)
    for number in range(200):
        visitor = Knocking(f"10.0.1.{number}")
        door.knocked(visitor)
        door.left(visitor)
    assert door.places == 0


def test_tls_handshakes_are_forgotten_when_their_time_is_over() -> None:
    context = CountingContext(ssl.PROTOCOL_TLS_SERVER)
    context.most, now_s = 1, [0.0]
    context.now_s = lambda: now_s[0]
    kept = [context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)]
    with pytest.raises(ssl.SSLError, match="too many"):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    now_s[0] = context.lasts_s + 1
    kept.append(context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True))
    assert context.under_way == 1


async def test_a_crowd_that_says_nothing_keeps_no_camera_out(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, max_connections=30)
    async with running(settings) as server:
        silent = [await asyncio.open_connection("127.0.0.1", server.ingest_port) for _ in range(50)]
        async with v1_camera(server.ingest_port) as camera:
            assert (await camera.ask(health_row(1)))[0]["success"]
        for reader, _ in silent[:20]:  # the oldest were hung up on, the others are waited for
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
        assert not silent[-1][0].at_eof()
        for _, writer in silent:
            writer.transport.abort()


def test_no_more_tls_handshakes_than_allowed_are_under_way(tmp_path: Path) -> None:
    """On the event loop of the server; asyncio's own forgets failed ones later, by time."""
    authority = authority_in(tmp_path, "authority")
    made = signed_by(authority, tmp_path, "server")
    context = CountingContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    context.most = 2
    uvloop.run(
        _crowd_at_tls(context, ssl.create_default_context(cafile=str(authority.certificate)))
    )


async def _crowd_at_tls(context: CountingContext, trusting: ssl.SSLContext) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        context.done(writer.get_extra_info("ssl_object"))
        writer.write(b"in")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        async with asyncio.timeout(10):
            while context.under_way < 2:  # noqa: ASYNC110 (OpenSSL tells nobody)
                await asyncio.sleep(0.005)
            with pytest.raises((OSError, ssl.SSLError)):
                await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            for _, writer in silent:
                writer.transport.abort()
            while context.under_way:  # noqa: ASYNC110 (the same)
                await asyncio.sleep(0.005)
            for _ in range(3):  # those that came in count no more
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
                assert await reader.readexactly(2) == b"in"
                silent.append((reader, writer))
            for _, writer in silent:
                writer.transport.abort()
