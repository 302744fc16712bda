"""Our own two programs, started as an operator would: from the camera's database to its flags."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw
import psutil

from benchmarks.traffic import DEVICE

ROOT: Final = Path(__file__).resolve().parents[1]
PATIENCE_S: Final = 600.0
_CONNECTED: Final = "SUCCESS connected"
_ALL_SENT: Final = "SUCCESS everything is sent"


class RunFailed(RuntimeError):
    """A program of the benchmark did not do its part; its output is quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One run: seconds from the open connection to the last flag, processor seconds of each side.

    The sender's processor time is without that of its start, which is measured apart.
    """

    rows: int
    seconds: float
    sender_cpu_s: float
    server_cpu_s: float
    server_peak_mb: float


def send(
    folder: Path,
    database: Path,
    images: Path,
    *,
    start_cpu_s: float = 0.0,
    server_settings: Mapping[str, str] | None = None,
    beside: Callable[[int], AbstractContextManager[object]] = nullcontext,
) -> Sent:
    """Sends all that waits in a copy of `database` to a new server; both live below `folder`.

    `beside` is entered while it is sent, with the server's web port.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "agent").mkdir(parents=True)
    copy = folder / "agent" / database.name
    shutil.copy(database, copy)
    os.sync()  # what was prepared must not be written to the disk while we measure
    with _server(folder, server_settings or {}) as (server, port, web_port), beside(web_port):
        watched = psutil.Process(server.pid)
        before = _cpu_s(watched)
        seconds, sender_cpu_s = _run_sender(folder, copy, images, port)
        after = _cpu_s(watched)
        peak_mb = _peak_mb(server.pid)
    rows = _stored(folder / "server" / "websocket_server.db")
    shutil.rmtree(folder)
    return Sent(
        rows=rows,
        seconds=seconds,
        sender_cpu_s=sender_cpu_s - start_cpu_s,
        server_cpu_s=after - before,
        server_peak_mb=peak_mb,
    )


def _run_sender(folder: Path, database: Path, images: Path, port: int) -> tuple[float, float]:
    """Seconds between the first and the last word of a sender that sends all, and its CPU time."""
    environment = {
        "DB_PATH": str(database),
        "AGENT_IMAGES_DIR": str(images),
        "AGENT_DEVICE_ID": DEVICE,
        "WEBSOCKET_SERVER_URL": f"ws://127.0.0.1:{port}/",
    }
    output = folder / "sender.out"
    sender = _start(["agent", "send", "--once"], folder, environment, output)
    try:
        _, status, usage = os.wait4(sender.pid, 0)
    except BaseException:
        sender.kill()
        raise
    finally:
        sender.returncode = 0  # it was waited for here
    said = output.read_text(encoding="utf-8")
    if status != 0:
        raise RunFailed(
            f"the sender ended with {os.waitstatus_to_exitcode(status)}:\n{said[-2000:]}"
        )
    seconds = (_moment_of(said, _ALL_SENT) - _moment_of(said, _CONNECTED)).total_seconds()
    return seconds, usage.ru_utime + usage.ru_stime


def _moment_of(log: str, event: str) -> datetime:
    for line in log.splitlines():
        if event in line:
            return datetime.fromisoformat(line.split(maxsplit=1)[0])
    raise RunFailed(f"the sender never said {event!r}:\n{log[-2000:]}")


@contextmanager
def _server(
    folder: Path, settings: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    port, web_port = free_ports(2)
    environment = {"SERVER_DB_PATH": str(folder / "server" / "websocket_server.db"), **settings}
    arguments = ["server", "run", "--port", str(port), "--web-port", str(web_port)]
    output = folder / "server.out"
    server = _start(arguments, folder, environment, output)
    try:
        _await_answer(server, web_port, output)
        yield server, port, web_port
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    finally:
        server.kill()
        server.wait()


def _start(
    arguments: list[str], folder: Path, environment: dict[str, str], output: Path
) -> subprocess.Popen[bytes]:
    with output.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PYTHONPATH": str(ROOT),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def _await_answer(server: subprocess.Popen[bytes], web_port: int, output: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{web_port}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise RunFailed(f"the server did not start:\n{output.read_text(encoding='utf-8')[-2000:]}")


def free_ports(count: int) -> list[int]:
    """So many ports of this machine's own address that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _peak_mb(process_id: int) -> float:
    for line in Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _stored(database: Path) -> int:
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return int(connection.execute("SELECT count(*) FROM lpr_detections").get)
    finally:
        connection.close()
