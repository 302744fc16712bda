"""Starts the two programs as a person or systemd would, and looks at them from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

ROOT = Path(__file__).resolve().parents[2]
LEAN = {"SERVER_PAGES": "false", "SERVER_FACES": "false"}
"""Whoever looks at neither has a server in half the time."""


def wait_until(holds: Callable[[], bool], *, what: str, timeout_s: float = 60) -> None:
    """Returns as soon as `holds`; fails naming `what` when it never does."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.02)


def rows_of(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """What a query answers on a database that other processes write; empty before it exists."""
    if not database.exists():
        return []
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(5000)
        return list(connection.execute(sql))
    except apsw.SQLError:
        return []
    finally:
        connection.close()


@dataclass(slots=True)
class Installation:
    """One server and one camera with everything they write below one folder."""

    folder: Path
    port: int
    web_port: int
    settings: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def agent_database(self) -> Path:
        return self.folder / "db" / "lpr_data.db"

    @property
    def server_database(self) -> Path:
        return self.folder / "db" / "websocket_server.db"

    def start_server(self) -> subprocess.Popen[bytes]:
        """Returns once it answers."""
        server = self._start(
            "server",
            ["run", "--port", str(self.port), "--web-port", str(self.web_port)],
        )
        wait_until(
            lambda: server.poll() is not None or self._answers(), what="the server answers /health"
        )
        assert server.poll() is None, self.output_of("server")
        return server

    def start_agent(self, source: str, *arguments: str) -> subprocess.Popen[bytes]:
        return self._start("agent", ["run", "--source", source, *arguments])

    def start_sender(self) -> subprocess.Popen[bytes]:
        return self._start("agent", ["send"])

    def output_of(self, name: str) -> str:
        return (self.folder / f"{name}.out").read_text(encoding="utf-8", errors="replace")

    def captured(self) -> list[tuple[str, int, int]]:
        """The camera's sightings: message id, sequence, sent flag."""
        sql = "SELECT message_id, sequence, sent_to_server FROM detection_results ORDER BY id"
        return [
            (str(row[0]), int(row[1]), int(row[2])) for row in rows_of(self.agent_database, sql)
        ]

    def stored(self) -> list[str]:
        """The message ids of the server's sightings, in the order of their arrival."""
        sql = "SELECT message_id FROM lpr_detections ORDER BY id"
        return [str(row[0]) for row in rows_of(self.server_database, sql)]

    def stop_all(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()

    def _start(self, program: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "WEBSOCKET_SERVER_URL": f"ws://127.0.0.1:{self.port}/",
            "AGENT_WEB_PORT": "0",
            "UPLINK_BACKOFF_MAX_S": "1",
            **LEAN,
            **self.settings,
        }
        with (self.folder / f"{program}.out").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", program, *arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.running.append(process)
        return process

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/health", timeout=2) as a:
                return bool(json.load(a))
        except (OSError, ValueError):
            return False


@contextmanager
def installation(folder: Path, **settings: str) -> Iterator[Installation]:
    """Two free ports, a folder, settings by key; whatever still runs at the end is killed."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        ports = (int(first.getsockname()[1]), int(second.getsockname()[1]))
    made = Installation(folder=folder, port=ports[0], web_port=ports[1], settings=settings)
    try:
        yield made
    finally:
        made.stop_all()


def kill(process: subprocess.Popen[bytes]) -> None:
    """As a power cut ends a process: no signal handler runs."""
    process.send_signal(signal.SIGKILL)
    process.wait(10)
