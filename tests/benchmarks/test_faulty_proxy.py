"""The proxy's faults, against a server that answers each line and keeps what came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from benchmarks.faulty_proxy import FaultyProxy


@dataclass(slots=True)
class Peer:
    """What the server has heard over all connections."""

    heard: bytearray = field(default_factory=bytearray)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while content := await reader.read(100):
                self.heard += content
                writer.write(content.upper())
        except ConnectionResetError:
            pass
        finally:
            writer.transport.abort()
            self.ended.set()


@asynccontextmanager
async def behind_proxy() -> AsyncIterator[tuple[Peer, FaultyProxy]]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    proxy = FaultyProxy(server.sockets[0].getsockname()[1])
    await proxy.start()
    try:
        yield peer, proxy
    finally:
        await proxy.stop()
        await peer.ended.wait()
        server.close()


async def dial(proxy: FaultyProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"HELLO"
    return reader, writer


async def test_without_a_fault_bytes_pass_both_ways() -> None:
    async with behind_proxy() as (peer, proxy):
        _, writer = await dial(proxy)
        writer.close()
        await peer.ended.wait()
        assert bytes(peer.heard) == b"hello"
        assert proxy.bytes_carried == 10


@pytest.mark.parametrize("is_upward", [True, False])
async def test_a_cut_comes_in_the_middle_of_what_is_sent(is_upward: bool) -> None:
    async with behind_proxy() as (peer, proxy):
        reader, writer = await dial(proxy)
        cutting = asyncio.create_task(proxy.cut(after_bytes=3, is_upward=is_upward))
        await asyncio.sleep(0)
        writer.write(b"world!")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(6)
        assert await cutting
        await peer.ended.wait()
        assert bytes(peer.heard) == (b"hellowor" if is_upward else b"helloworld!")


async def test_a_stall_holds_everything_and_loses_nothing() -> None:
    async with behind_proxy() as (_, proxy):
        reader, writer = await dial(proxy)
        stalling = asyncio.create_task(proxy.stall(lasts_s=0.1))
        await asyncio.sleep(0)
        writer.write(b"world")
        answer = asyncio.create_task(reader.readexactly(5))
        await stalling
        assert await answer == b"WORLD"


async def test_a_half_open_link_swallows_and_is_reset() -> None:
    async with behind_proxy() as (peer, proxy):
        reader, writer = await dial(proxy)
        fault = asyncio.create_task(proxy.half_open(lasts_s=0.1))
        await asyncio.sleep(0)
        writer.write(b"world")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(5)
        await fault
        await peer.ended.wait()
        assert bytes(peer.heard) == b"hello"


async def test_late_frames_reach_the_server_after_the_client_was_reset() -> None:
    async with behind_proxy() as (peer, proxy):
        reader, writer = await dial(proxy)
        stalling = asyncio.create_task(proxy.stall(lasts_s=0.05))
        await asyncio.sleep(0)
        writer.write(b"world")
        await asyncio.sleep(0.02)  # a stalled proxy has read it, and says so to nobody
        fault = asyncio.create_task(proxy.deliver_late(lasts_s=0.1))
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(5)
        await asyncio.gather(stalling, fault)
        await peer.ended.wait()
        assert bytes(peer.heard) == b"helloworld"
