"""The real server is set back to an older backup: what it lost comes again, nothing twice."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.outbox.store import Outbox
from agent.uplink.sender import Sender
from tests.agent.outbox.sightings import plate
from tests.agent.uplink.conftest import SendersFactory
from tests.agent.uplink.test_real_server import ServerProgram

RESTORES = 2
"""Of the same backup: what came again after the first is lost again with the second."""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[ServerProgram]:
    started = ServerProgram(tmp_path / "server")
    yield started
    started.end(signal.SIGKILL)


def record(outbox: Outbox, letter: str, count: int) -> None:
    for number in range(count):
        outbox.record_plate(plate(f"{letter}{number:03}", seed=number, width=64))
        outbox.record_health(component="c", status="PASS", message=f"{letter}{number}")


async def all_sent(sender: Sender) -> None:
    await asyncio.wait_for(sender.drained(), 30)


async def test_restored_server_is_filled_again_by_itself(
    outbox: Outbox,
    running: SendersFactory,
    program: ServerProgram,
    tmp_path: Path,
) -> None:
    folder = program.database.parent
    backup = tmp_path / "backup"
    program.start()
    async with running(program.url, backoff_max_s=0.3) as sender:
        record(outbox, "A", 20)
        await all_sent(sender)
        await asyncio.to_thread(program.end, signal.SIGTERM)
        await asyncio.to_thread(shutil.copytree, folder, backup)
        program.start()
        record(outbox, "B", 20)
        await all_sent(sender)
        for _ in range(RESTORES):
            await asyncio.to_thread(program.end, signal.SIGTERM)
            await asyncio.to_thread(shutil.rmtree, folder)
            await asyncio.to_thread(shutil.copytree, backup, folder)
            outbox.record_health(component="c", status="PASS", message="meanwhile")
            program.start()
            await all_sent(sender)
    await asyncio.to_thread(program.end, signal.SIGTERM)
    stored = program.column("SELECT license_plate FROM lpr_detections ORDER BY license_plate")
    assert stored == [f"{letter}{number:03}" for letter in "AB" for number in range(20)]
    assert program.column("SELECT DISTINCT image_status FROM lpr_detections") == ["present"]
    assert program.column("SELECT count(*) FROM health_monitors") == [40 + RESTORES]
    counts = outbox.counts()
    assert counts.acknowledged == counts.captured == 80 + RESTORES
