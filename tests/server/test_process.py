"""The server as a process of its own: killed, stopped, started again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from websockets.exceptions import ConnectionClosed

from tests.server.cameras import (
    V1Camera,
    base64_of,
    classic_camera,
    classic_health,
    health_row,
    jpeg,
    plate_row,
    v1_camera,
)

ROOT = Path(__file__).resolve().parents[2]


class ServerProcess:
    """`python -m server run` on free ports in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "server", "run", "--port", "0", "--web-port", "0"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = self._port()
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._drain)
        self._reader.start()

    def _port(self) -> int:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := re.search(r"cameras=ws://127\.0\.0\.1:(\d+)", line):
                return int(found[1])
        raise AssertionError("the server ended before it listened")

    def _drain(self) -> None:
        assert self._process.stderr is not None
        self.said.extend(self._process.stderr)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        code = self._process.wait(timeout=10)
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        return code

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        if self._process.stderr is not None and not self._process.stderr.closed:
            self.wait()


class Machine:
    """Where a server runs, is killed and runs again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[ServerProcess] = []

    def start(self) -> ServerProcess:
        self._started.append(ServerProcess(self.folder))
        return self._started[-1]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        connection = apsw.Connection(str(self.folder / "db" / "websocket_server.db"))
        try:
            return list(connection.execute(sql))
        finally:
            connection.close()

    def end(self) -> None:
        for server in self._started:
            server.end()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.end()


def row(number: int) -> dict[str, Any]:
    if number % 3:
        return health_row(number)
    return plate_row(number, image=base64_of(jpeg(number % 256)))


async def acknowledged_until_closed(camera: V1Camera, into: dict[str, bool]) -> None:
    """Collects what was acknowledged, id -> whether as a duplicate, until the line is dead."""
    try:
        while True:
            for result in (await camera.answer())["results"]:
                assert result["success"]
                into[result["id"]] = result.get("duplicate", False)
    except ConnectionClosed:
        return


async def test_what_was_acknowledged_survives_kill_9_and_the_rest_comes_once(
    machine: Machine,
) -> None:
    server = machine.start()
    acknowledged: dict[str, bool] = {}
    async with v1_camera(server.port) as camera:
        reading = asyncio.create_task(acknowledged_until_closed(camera, acknowledged))
        sent = 0
        while len(acknowledged) < 300:
            sent += 1
            await camera.send(row(sent))
            await asyncio.sleep(0)  # lets the answers be read
        server.signal(signal.SIGKILL)
        await reading
    assert server.wait() == -signal.SIGKILL
    stored = {message_id for (message_id,) in machine.query(
        "SELECT message_id FROM lpr_detections UNION ALL SELECT message_id FROM health_monitors"
    )}  # fmt: skip
    assert set(acknowledged) <= stored

    again = machine.start()
    async with v1_camera(again.port) as camera:
        for first in range(1, sent + 1, 50):
            numbers = range(first, min(first + 50, sent + 1))
            for result in await camera.ask(*(row(number) for number in numbers)):
                assert result["success"]
                assert result.get("duplicate", False) is (result["id"] in stored)
    again.signal(signal.SIGTERM)
    assert again.wait() == 0
    assert machine.query(
        "SELECT (SELECT count(*) FROM lpr_detections), (SELECT count(*) FROM health_monitors), "
        "(SELECT rows_stored FROM camera_epochs)"
    ) == [(sent // 3, sent - sent // 3, sent)]
    assert machine.query("SELECT DISTINCT image_status FROM lpr_detections") == [("present",)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_stores_and_acknowledges_what_was_taken(
    machine: Machine, number: signal.Signals
) -> None:
    server = machine.start()
    acknowledged: dict[str, bool] = {}
    async with classic_camera(server.port) as idle, v1_camera(server.port) as camera:
        await idle.ask(classic_health())
        reading = asyncio.create_task(acknowledged_until_closed(camera, acknowledged))
        for sequence in range(1, 201):
            await camera.send(row(sequence))
        server.signal(number)
        began_s = time.monotonic()
        await reading
        # Not the 3 s that a deaf peer gets, though frames were left unread.
        assert time.monotonic() - began_s < 2.5
        with pytest.raises(ConnectionClosed):
            await idle.socket.recv()
        assert (camera.socket.close_code, idle.socket.close_code) == (1012, 1012)
    assert server.wait() == 0
    assert time.monotonic() - began_s < 5
    stored = machine.query(
        "SELECT message_id FROM lpr_detections UNION ALL SELECT message_id FROM health_monitors "
        "WHERE epoch IS NOT NULL"
    )
    assert {message_id for (message_id,) in stored} == set(acknowledged)
    assert len(stored) == len(acknowledged)
    log = (machine.folder / "log" / "websocket_server.log").read_text(encoding="utf-8")
    assert "SUCCESS stored 1 row" in log
    assert "stopped" in log
    assert not list((machine.folder / "db").glob("*-wal"))
