"""Peers that come on too slowly at any step are hung up on in time; slow honest ones are not."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError

from server.app import Pace, running
from server.config import ServerSettings
from server.ingest.patience import Patience
from tests.end_to_end.certificates import authority_in, signed_by
from tests.server.cameras import health_row, v1_camera, v1_socket
from tests.server.conftest import settings_in

PATIENCE = Patience(
    tls_s=0.4, handshake_s=0.4, hello_s=0.4, slow_s=0.4, slow_bytes=4_096, deaf_s=0.4
)
PACE = Pace(lines_s=0.05, patience=PATIENCE)
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
LONG_FRAME = b"\x81\xff" + (1_000_000).to_bytes(8, "big") + b"mask"
PING = b"\x89\xfd" + b"mask" + bytes(125)


async def trickles(port: int, first: bytes, then: bytes, *, upgrade: bytes = b"") -> int:
    """Says `first`, then `then` again and again until it is hung up on; how often."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if upgrade:
        writer.write(upgrade)
        await reader.readuntil(b"\r\n\r\n")
    writer.write(first)
    times = 0
    try:
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                while not reader.at_eof() and not writer.is_closing():
                    writer.write(then)
                    times += 1
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(1_000), 0.02)
    finally:
        writer.transport.abort()
    return times


@pytest.mark.parametrize(
    ("upgrade", "first", "then"),
    [
        (b"", b"GET / HTTP/1.1\r\n", b"X-A: b\r\n"),
        (b"", b"G", b""),
        (UPGRADE, LONG_FRAME, b"x" * 20),
    ],
    ids=["headers without end", "silence", "a frame without end"],
)
async def test_peer_that_trickles_is_hung_up_on(
    settings: ServerSettings, upgrade: bytes, first: bytes, then: bytes
) -> None:
    async with running(settings, pace=PACE) as server:
        assert await trickles(server.ingest_port, first, then, upgrade=upgrade) > 0
        async with v1_camera(server.ingest_port) as camera:
            assert (await camera.ask(health_row(1)))[0]["success"]


async def test_what_comes_with_the_request_before_its_answer_is_not_taken(
    settings: ServerSettings,
) -> None:
    """Its bytes would be given back to the budget with those of the request."""
    async with running(settings, pace=PACE) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ingest_port)
        writer.write(UPGRADE + b"\x81\xfe" + (1_000).to_bytes(2, "big") + b"mask" + bytes(1_000))
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.transport.abort()


@pytest.mark.parametrize("at", [5, len(UPGRADE) - 3, len(UPGRADE) - 1])
async def test_request_that_comes_in_two_pieces_is_answered(
    settings: ServerSettings, at: int
) -> None:
    async with running(settings) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ingest_port)
        for piece in (UPGRADE[:at], UPGRADE[at:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 101 ")
        writer.transport.abort()


async def test_hello_that_does_not_come_on_ends_the_connection(settings: ServerSettings) -> None:
    async with running(settings, pace=PACE) as server, v1_socket(server.ingest_port) as socket:
        socket.transport.write(b"\x81\xfe" + (1_000).to_bytes(2, "big") + b"mask" + b"x" * 20)
        with pytest.raises(ConnectionClosedError) as closed:
            await asyncio.wait_for(socket.recv(), 10)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "no hello within 0.4 s")


async def test_hello_that_is_too_long_ends_the_connection(settings: ServerSettings) -> None:
    async with running(settings, pace=PACE) as server, v1_socket(server.ingest_port) as socket:
        with contextlib.suppress(ConnectionClosedError):
            await socket.send('{"type":"hello","hostname":"' + "x" * 70_000)
        with pytest.raises(ConnectionClosedError) as closed:
            await asyncio.wait_for(socket.recv(), 10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_frame_that_is_slow_and_steady_arrives(settings: ServerSettings) -> None:
    """For twice the time after which a message must have grown."""
    async with running(settings, pace=PACE) as server, v1_camera(server.ingest_port) as camera:
        row = health_row(1, message="m" * 3_000, system_info={"x": "y" * 60_000})
        sending = camera.send_slowly(row, pieces=40, pause_s=0.02)
        assert (await sending)[0]["success"]


async def test_http_request_without_end_is_cut_off_by_its_size(settings: ServerSettings) -> None:
    patient = Pace(lines_s=0.05, patience=Patience(handshake_s=30.0))
    async with running(settings, pace=patient) as server:
        header = b"X-A: " + b"b" * 4_000 + b"\r\n"
        assert await trickles(server.ingest_port, b"GET / HTTP/1.1\r\n", header) < 30


async def test_peer_that_only_pings_and_hears_nothing_is_hung_up_on(
    settings: ServerSettings,
) -> None:
    """Pongs that nobody takes must not pile up."""
    async with running(settings, pace=PACE) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ingest_port)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        reader._transport.pause_reading()  # type: ignore[attr-defined] # noqa: SLF001 (there is no public way to be deaf)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(_ping_without_end(writer), 20)
        writer.transport.abort()


async def _ping_without_end(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(PING * 500)
        await writer.drain()


async def test_tls_that_never_begins_is_hung_up_on(tmp_path: Path) -> None:
    made = signed_by(authority_in(tmp_path, "authority"), tmp_path, "server")
    settings = settings_in(tmp_path, tls_cert=made.certificate, tls_key=made.key)
    async with running(settings, pace=PACE) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ingest_port)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
