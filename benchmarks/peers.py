"""The same rows through a message broker into SQLite: MQTT QoS 1 (Mosquitto), NATS JetStream.

The broker, a publisher and a consumer (benchmarks/peer_programs.py) are processes of their own on
loopback. The peers have the easier task: the publisher takes its messages from memory instead of
a database and keeps no flags, the consumer checks no token, and neither broker waits for the disk
before it acknowledges. Rows and pictures are decoded and checked with the same code as ours.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.ours import ROOT, RunFailed, free_ports

_SYSTEM_FOLDERS: Final = "/usr/sbin:/usr/local/sbin:/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A broker that can be compared: `package` is what Debian calls it."""

    name: str
    program: str
    package: str

    @property
    def path(self) -> str | None:
        """Where its program lies, None where it is not installed."""
        return shutil.which(self.program, path=f"{os.environ['PATH']}:{_SYSTEM_FOLDERS}")


PEERS: Final = (
    Peer(name="mqtt", program="mosquitto", package="mosquitto"),
    Peer(name="nats", program="nats-server", package="nats-server"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Seconds from the first publication to the last commit; processor seconds of each process."""

    rows: int
    seconds: float
    publisher_cpu_s: float
    broker_cpu_s: float
    consumer_cpu_s: float


def deliver(peer: Peer, folder: Path, messages: Path, rows: int) -> Delivered:
    """Sends the messages of a file (one JSON a line) through a new broker; all below `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (port,) = free_ports(1)
    with ExitStack() as ending:
        broker = ending.enter_context(_broker(peer, folder, port))
        consume = ["consume", peer.name, str(port), str(rows), str(folder)]
        consumer = ending.enter_context(_program(consume))
        _expect(consumer, "ready")
        publish = ["publish", peer.name, str(port), str(rows), str(messages)]
        publisher = ending.enter_context(_program(publish))
        _expect(publisher, "ready")
        watched = psutil.Process(broker.pid)
        before = sum(watched.cpu_times()[:2])
        _tell(publisher, "go")
        published, consumed = _answer(publisher), _answer(consumer)
        broker_cpu_s = sum(watched.cpu_times()[:2]) - before
    shutil.rmtree(folder)
    return Delivered(
        rows=consumed["rows"],
        seconds=consumed["ended_s"] - published["started_s"],
        publisher_cpu_s=published["cpu_s"],
        broker_cpu_s=broker_cpu_s,
        consumer_cpu_s=consumed["cpu_s"],
    )


@contextmanager
def _broker(peer: Peer, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    if peer.path is None:
        raise RunFailed(f"{peer.program} is not installed: sudo apt-get install {peer.package}")
    config = folder / "broker.conf"
    config.write_text(_CONFIGS[peer.name].format(port=port, folder=folder), encoding="utf-8")
    with (folder / "broker.out").open("wb") as output:
        broker = subprocess.Popen(
            [peer.path, "-c", str(config)], stdout=output, stderr=subprocess.STDOUT, cwd=folder
        )
    try:
        _await_port(port, broker, folder / "broker.out")
        yield broker
    finally:
        broker.kill()
        broker.wait()


_CONFIGS: Final = {
    "mqtt": (
        "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\n"
        "persistence_location {folder}/\nmax_inflight_messages 0\nmax_queued_messages 0\n"
        "set_tcp_nodelay true\nlog_type error\n"
    ),
    "nats": (
        'listen: "127.0.0.1:{port}"\nmax_payload: 8MB\n'
        'jetstream {{ store_dir: "{folder}/jetstream", max_memory_store: 64MB, '
        "max_file_store: 16GB }}\n"
    ),
}


def _await_port(port: int, broker: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and broker.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    raise RunFailed(f"the broker did not start:\n{output.read_text(encoding='utf-8')[-2000:]}")


@contextmanager
def _program(arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.peer_programs", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _expect(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None  # noqa: S101 (it was asked for)
    line = process.stdout.readline().strip()
    if line != word:
        raise RunFailed(f"expected {word!r} of {process.args!r}, got {line!r}")


def _tell(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin is not None  # noqa: S101 (it was asked for)
    process.stdin.write(word + "\n")
    process.stdin.flush()


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 (it was asked for)
    line = process.stdout.readline()
    if not line:
        raise RunFailed(f"{process.args!r} ended without an answer")
    answer: dict[str, Any] = json.loads(line)
    return answer
