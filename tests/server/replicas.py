"""Processes that take rows into one PostgreSQL, and cameras that do not give up."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from websockets.exceptions import WebSocketException

from tests.server.cameras import Json, base64_of, jpeg, row_id, v1_camera

ROOT = Path(__file__).resolve().parents[2]
ROWS_IN_A_FRAME = 3


class Replica:
    """`python -m server run --role ingest`, or another role, in a folder of its own."""

    def __init__(
        self, folder: Path, url: str, *options: str, role: str = "ingest", **environ: str
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.said: list[str] = []
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "server", "run", "--role", role),
                *("--port", "0", "--web-port", "0", *options),
            ],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "SERVER_DATABASE_URL": url,
                "SERVER_DATABASE_CONNECTIONS": "4",
                **environ,
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        self._listening = threading.Event()
        self._port = self.web_port = 0
        self._reader = threading.Thread(target=self._drain)
        self._reader.start()

    def _drain(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line)
            if found := re.search(r"cameras=ws://127\.0\.0\.1:(\d+)", line):
                self._port = int(found[1])
                of_browsers = re.search(r"web=http://127\.0\.0\.1:(\d+)", line)
                assert of_browsers is not None
                self.web_port = int(of_browsers[1])
                self._listening.set()
        self._listening.set()

    def wait_until_it_listens(self) -> int:
        """The port."""
        assert self._listening.wait(60)
        assert self._port, "".join(self.said)
        return self._port

    def workers(self) -> list[psutil.Process]:
        return list(psutil.Process(self._process.pid).children())

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=10)

    def end(self) -> int:
        """Tells it to stop; its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=30)
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        return code


class Camera:
    """Sends its rows a frame at a time; comes back when its line is cut, until all are taken.

    Keeps to the agent's rule: what has no acknowledgement is sent again.
    """

    def __init__(self, number: int, *, rows: int) -> None:
        self.name = f"camera-{number}"
        self._rows = [self._row(number, sequence) for sequence in range(1, rows + 1)]
        self.acknowledged: dict[str, Json] = {}
        self.cuts = 0

    @staticmethod
    def _row(device: int, sequence: int) -> Json:
        return {
            "table": "lpr_detection",
            "id": row_id(sequence, device),
            "sequence": sequence,
            "captured_at": "2026-03-01T08:00:00+07:00",
            "data": {
                "license_plate": f"C{device}N{sequence}",
                "image": base64_of(jpeg(shade=(7 * device + sequence) % 250)),
            },
        }

    async def send_all(self, port: int) -> None:
        while len(self.acknowledged) < len(self._rows):
            try:
                async with v1_camera(port, self.name, open_timeout=10) as line:
                    await self._send(line)
            except (OSError, TimeoutError, WebSocketException):
                self.cuts += 1
                await asyncio.sleep(0.05)  # the agent's backoff, as short as it gets

    async def _send(self, line: Any) -> None:
        waiting = [row for row in self._rows if row["id"] not in self.acknowledged]
        for begin in range(0, len(waiting), ROWS_IN_A_FRAME):
            for result in await line.ask(*waiting[begin : begin + ROWS_IN_A_FRAME]):
                if result["success"]:
                    self.acknowledged[result["id"]] = result


async def until_acknowledged(cameras: Sequence[Camera], count: int) -> None:
    async with asyncio.timeout(60):
        while sum(len(each.acknowledged) for each in cameras) < count:  # noqa: ASYNC110 (they tell nobody)
            await asyncio.sleep(0.005)


async def until_said(replica: Replica, text: str, times: int) -> None:
    """In its log, by any of its workers."""
    async with asyncio.timeout(60):
        while sum(text in line for line in replica.said) < times:  # noqa: ASYNC110 (a log tells nobody)
            await asyncio.sleep(0.02)
