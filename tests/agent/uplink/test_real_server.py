"""Against the real server program: killed in mid-run, started again, every row there once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from agent.clock import SystemClock
from agent.outbox.store import Outbox
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from tests.agent.outbox.sightings import face, plate
from tests.agent.uplink.conftest import SendersFactory, until

ROOT = Path(__file__).resolve().parents[3]


class ServerProgram:
    """`python -m server run` in a folder of its own, on a port that stays; without pages and
    faces, which would take it twice as long to start."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            second.bind(("127.0.0.1", 0))
            self._ports = [str(each.getsockname()[1]) for each in (first, second)]
        self._folder = folder
        self.url = f"ws://127.0.0.1:{self._ports[0]}/"
        self.database = folder / "server.db"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        port, web_port = self._ports
        ports = ["--port", port, "--web-port", web_port]
        with (self._folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server", "run", *ports, "--db", str(self.database)],
                cwd=self._folder,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT),
                    "SERVER_PAGES": "false",
                    "SERVER_FACES": "false",
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=20)

    def column(self, sql: str) -> list[object]:
        reader = apsw.Connection(str(self.database))
        values = [row[0] for row in reader.execute(sql)]
        reader.close()
        return values


@pytest.fixture
def program(tmp_path: Path) -> Iterator[ServerProgram]:
    started = ServerProgram(tmp_path / "server")
    yield started
    started.end(signal.SIGKILL)


async def test_every_row_is_on_the_server_once_though_it_was_killed(
    outbox: Outbox, running: SendersFactory, program: ServerProgram
) -> None:
    for number in range(60):
        outbox.record_plate(plate(f"P{number:03}", seed=number))
        outbox.record_health(component="c", status="PASS", message=str(number))
    outbox.record_face(face())
    outbox.record_eviction(
        kind="picture", reason="quota", evicted_table="detection_results", count=2
    )
    program.start()
    async with running(program.url, backoff_max_s=1.0) as sender:
        await until(lambda: sender.status.acknowledged > 0)
        await asyncio.to_thread(program.end, signal.SIGKILL)
        for number in range(20):
            outbox.record_plate(plate(f"Q{number:03}", seed=number))
        program.start()
        await asyncio.wait_for(sender.drained(), 30)
        assert sender.status.exchange == "sightpost.v1"
    counts = outbox.counts()
    assert (counts.captured, counts.acknowledged) == (142, 142)
    await asyncio.to_thread(program.end, signal.SIGTERM)
    stored = program.column("SELECT license_plate FROM lpr_detections ORDER BY license_plate")
    assert stored == [f"P{n:03}" for n in range(60)] + [f"Q{n:03}" for n in range(20)]
    assert program.column("SELECT DISTINCT image_status FROM lpr_detections") == ["present"]
    assert program.column("SELECT count(*) FROM health_monitors") == [60]
    assert program.column("SELECT count(*) FROM face_detections") == [1]
    assert program.column("SELECT count(*) FROM evictions") == [1]


async def test_credit_duplicates_and_failed_connections_are_counted(
    outbox: Outbox, running: SendersFactory, program: ServerProgram
) -> None:
    recorded = outbox.record_plate(plate("AB1234"))
    async with running(program.url, backoff_max_s=1.0) as sender:
        await until(lambda: sender.status.failures.get("refused", 0) > 0)
        assert sender.status.credit is None
        program.start()
        await asyncio.wait_for(sender.drained(), 30)
        credit = sender.status.credit
        assert credit is not None
        assert credit.rows > 0
        assert credit.bytes > 0
        assert sender.status.duplicates == 0
        lost = apsw.Connection(str(outbox.path))
        lost.set_busy_timeout(5000)
        lost.execute("UPDATE detection_results SET sent_to_server = 0")
        lost.close()
        sender.notify()
        await asyncio.wait_for(sender.drained(), 30)
        assert sender.status.duplicates == 1
        await asyncio.to_thread(program.end, signal.SIGKILL)
        await until(lambda: sender.status.credit is None)
    assert program.column("SELECT message_id FROM lpr_detections") == [recorded.message_id]


async def test_rows_delivered_before_the_camera_was_renamed_are_there_once(
    tmp_path: Path, program: ServerProgram
) -> None:
    """Their flags are lost, as in a power cut, and the server knows their ids from another name."""
    path, pictures = tmp_path / "lpr_data.db", tmp_path / "captured"
    program.start()
    with Outbox.open(path, pictures, "cam-1") as outbox:
        outbox.record_plate(plate("DELIVERED"))
        outbox.record_health(component="c", status="PASS", message="delivered")
        await deliver(outbox, program)
        assert outbox.counts().acknowledged == 2
        outbox.record_plate(plate("NEVER SENT", seed=2))
    lost = apsw.Connection(str(path))
    for table in ("detection_results", "health_checks"):
        lost.execute(f"UPDATE {table} SET sent_to_server = 0")  # noqa: S608 - our own names
    lost.close()
    with Outbox.open(path, pictures, "cam-2") as outbox:
        outbox.record_plate(plate("RENAMED", seed=3))
        await deliver(outbox, program)
        counts = outbox.counts()
        assert (counts.acknowledged, counts.refused, counts.waiting) == (4, 0, 0)
    plates = program.column("SELECT license_plate FROM lpr_detections ORDER BY license_plate")
    assert plates == ["DELIVERED", "NEVER SENT", "RENAMED"]
    assert program.column("SELECT count(*) FROM health_monitors") == [1]


async def deliver(outbox: Outbox, program: ServerProgram) -> None:
    sender = Sender(
        outbox.sending(),
        settings=UplinkSettings(url=program.url, backoff_max_s=1.0),
        identity=Identity(hostname="host", checkpoint_id="7", agent_version="0.1"),
        clock=SystemClock(),
        lock_path=outbox.path.with_suffix(".sender.lock"),
    )
    stop = asyncio.Event()
    sending = asyncio.create_task(sender.run(stop))
    assert await asyncio.wait_for(sender.drained(), 30) == 0
    stop.set()
    await asyncio.wait_for(sending, 10)
