"""Many connections with most of a frame each: a real server's memory stays as was promised."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.server_process import ServerProcess
from tests.server.cameras import health_row, v1_camera
from tests.server.ingest.test_slow_peers import UPGRADE

CROWD = 12
FRAME_BYTES = 8_000_000
SENT_BYTES = 7_900_000
HEADER = b"\x81\xff" + FRAME_BYTES.to_bytes(8, "big") + b"mask"
MOST_GROWTH_BYTES = 80_000_000
"""The budget, four frames of 8 MB, and what the decoding of one takes; the crowd sends 95 MB."""
TURN_S = 120
"""Those who stand still are turned out two at a time, and each pair has 2 s (`Patience`)."""


async def _greeted(port: int) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    return writer


async def _crowd(server: ServerProcess) -> int:
    """How much the server grew while the crowd stood there and a camera was served."""
    async with v1_camera(server.port, ping_interval=None) as camera:
        assert (await camera.ask(health_row(1)))[0]["success"]
        before = server.cost().memory_bytes
        # All of them beforehand: while memory is short nobody is greeted.
        writers = await asyncio.gather(*(_greeted(server.port) for _ in range(CROWD)))
        for writer in writers:
            writer.write(HEADER + bytes(SENT_BYTES))
        answer = await asyncio.wait_for(camera.ask(health_row(2)), TURN_S)
        assert answer[0]["success"]
        grown = server.cost().peak_bytes - before
        for writer in writers:
            writer.transport.abort()
        return grown


def test_unfinished_frames_of_many_take_no_more_than_the_budget_allows(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, {"SERVER_MEMORY_BUDGET_MB": "16"}) as server:
        grown = asyncio.run(_crowd(server))
        assert server.is_up
    assert grown < MOST_GROWTH_BYTES
