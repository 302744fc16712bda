"""How soon a listed plate is told everywhere: `python -m benchmarks.alert_delay`.

A server with a watchlist of 100,000 plates (which a CSV file brings, timed too) takes listed
sightings one at a time from a camera of the older kind, on loopback. What is timed, from the row's
arrival: until the alert exists; until a webhook has accepted it that refused it twice before; until
the mail and the broker's message are there. The receivers are real: an HTTP server, aiosmtpd,
Mosquitto.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import http.client
import json
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import aiomqtt
import apsw
from aiosmtpd.smtp import SMTP, Envelope, Session
from websockets.asyncio.client import connect

from benchmarks.machine import Machine, machine_of
from benchmarks.server_process import ServerProcess
from server.channels.contract import ChannelDetails, ChannelKind
from server.storage.adoption import prepare_database
from server.storage.channels import StoredChannels
from server.storage.reader_pool import ReaderPool
from server.storage.writing_thread import SqliteWriting

PATIENCE_S: Final = 60.0
REFUSALS: Final = 2
"""Of each alert, before the webhook takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Milliseconds after arrival."""

    median_ms: float
    most_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    machine: Machine
    entries: int
    alerts: int
    import_s: float
    alert: Delays
    webhook: Delays
    mail: Delays
    mqtt: Delays


@dataclass(slots=True)
class Heard:
    """When each alert was first accepted, in Unix seconds, and how often it came."""

    at_s: dict[int, float] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)

    def hears(self, alert: int) -> int:
        self.at_s.setdefault(alert, time.time())
        self.times[alert] = self.times.get(alert, 0) + 1
        return self.times[alert]


async def measure(folder: Path, *, entries: int, alerts: int) -> Result:
    """In `folder`, which must be empty. Raises RuntimeError where something is missing."""
    refused, hook, mails, told = Heard(), Heard(), Heard(), Heard()
    async with _mail_server(mails) as smtp_port, _broker(folder, told) as mqtt_port:
        with _webhook(refused, hook) as url:
            await _prepared(folder, url)
            environ = {
                "SERVER_PAGES": "false",
                "SERVER_FACES": "false",
                "SERVER_WEBHOOK_NETWORKS": "127.0.0.1",
                "SERVER_MQTT_URL": f"mqtt://127.0.0.1:{mqtt_port}",
                "SERVER_SMTP_HOST": "127.0.0.1",
                "SERVER_SMTP_PORT": str(smtp_port),
                "SERVER_SMTP_ENCRYPTION": "none",
                "SERVER_SMTP_FROM": "centre@example.org",
            }
            with ServerProcess(folder, environ) as server:
                import_s = await asyncio.to_thread(_import, server.web_port, entries)
                await _pass_by(server.port, alerts, (hook, mails, told))
                arrived = _arrivals(server.database)
    return Result(
        machine=machine_of(folder),
        entries=entries,
        alerts=len(arrived),
        import_s=round(import_s, 2),
        alert=_delays({each: raised - at for each, (at, raised) in arrived.items()}),
        webhook=_delays({each: hook.at_s[each] - at for each, (at, _) in arrived.items()}),
        mail=_delays({each: mails.at_s[each] - at for each, (at, _) in arrived.items()}),
        mqtt=_delays({each: told.at_s[each] - at for each, (at, _) in arrived.items()}),
    )


async def _prepared(folder: Path, url: str) -> None:
    """A database with the channels, which only an administrator may make."""
    database, now = folder / "server.db", datetime.now(UTC)
    prepare_database(database, zone_of=lambda _: UTC, now=now)
    pool = ReaderPool(database, threads=1)
    writing = SqliteWriting(database, name="channels")
    store = StoredChannels(pool, writing)
    for kind, target in ((ChannelKind.WEBHOOK, url), (ChannelKind.EMAIL, "guard@example.org")):
        details = ChannelDetails(name=kind.value, kind=kind, target=target)
        await store.make(details, "secret", by="benchmark", now=now)
    writing.close()
    pool.close()


def _import(port: int, entries: int) -> float:
    """Seconds until all entries are in the list."""
    _await_web(port)
    made = _asked(port, "POST", "/api/v1/watchlists", json.dumps({"name": "long", "cooldown_s": 0}))
    lines = "".join(f"W{number:06}\n" for number in range(entries))
    began = time.monotonic()
    state = _asked(port, "POST", f"/api/v1/watchlist-imports/{made['id']}", f"plate\n{lines}")
    while state["is_running"]:
        time.sleep(0.02)
        state = _asked(port, "GET", "/api/v1/watchlist-imports/last")
    if state["put"]["added"] != entries:
        raise RuntimeError(f"the import took {state['put']} of {entries}: {state['fault']}")
    return time.monotonic() - began


def _await_web(port: int) -> None:
    """It says where it listens a moment before it does."""
    ends_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_s:
        with contextlib.suppress(ConnectionRefusedError):
            _asked(port, "GET", "/health")
            return
        time.sleep(0.02)
    raise RuntimeError(f"port {port} does not answer")


def _asked(port: int, method: str, path: str, body: str | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    kind = "text/csv" if "imports" in path else "application/json"
    connection.request(method, path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    if answer.status >= http.client.BAD_REQUEST:
        raise RuntimeError(f"{method} {path}: {answer.status} {said}")
    return said


async def _pass_by(port: int, alerts: int, heard: tuple[Heard, ...]) -> None:
    """One after the other, the next when the last was told everywhere."""
    async with connect(f"ws://127.0.0.1:{port}/", proxy=None, compression=None) as line:
        for number in range(alerts):
            data = {
                "license_plate": f"W{number:06}",
                "confidence": 95.5,
                "checkpoint_id": "1",
                "hostname": "gate",
                "timestamp": datetime.now(UTC).isoformat(),
                "image": None,
            }
            await line.send(
                json.dumps({"table": "lpr_detection", "action": "insert", "data": data})
            )
            await line.recv()
            async with asyncio.timeout(PATIENCE_S):
                while any(len(each.at_s) <= number for each in heard):  # noqa: ASYNC110 (threads)
                    await asyncio.sleep(0.002)


def _arrivals(database: Path) -> dict[int, tuple[float, float]]:
    """Of each alert, when its sighting arrived and when it was raised, in Unix seconds."""
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows: Any = connection.execute("SELECT id, received_at, raised_at FROM alerts").fetchall()
    finally:
        connection.close()
    return {number: (_unix_s(received), _unix_s(raised)) for number, received, raised in rows}


def _unix_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _delays(seconds: dict[int, float]) -> Delays:
    values = [1000 * each for each in seconds.values()]
    return Delays(median_ms=round(statistics.median(values), 1), most_ms=round(max(values), 1))


@contextlib.contextmanager
def _webhook(refused: Heard, accepted: Heard) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alert = json.loads(self.rfile.read(int(self.headers["content-length"])))["alert"]["id"]
            is_taken = refused.hears(alert) > REFUSALS
            self.send_response(204 if is_taken else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            if is_taken:
                accepted.hears(alert)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
            """Nothing is to be said on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="webhook")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextlib.asynccontextmanager
async def _mail_server(heard: Heard) -> AsyncIterator[int]:
    class Mailbox:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 (the library's name)
            heard.hears(len(heard.at_s) + 1)  # they come in the order of the alerts
            return "250 taken"

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Mailbox()), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def _broker(folder: Path, heard: Heard) -> AsyncIterator[int]:
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        raise RuntimeError("mosquitto is not installed: sudo apt-get install mosquitto")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "mosquitto.conf"
    lines = [f"user {getpass.getuser()}", f"listener {port} 127.0.0.1", "allow_anonymous true"]
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    running = await asyncio.create_subprocess_exec(
        program, "-c", config, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        listening = asyncio.create_task(_listen(port, heard))
        yield port
        listening.cancel()
    finally:
        running.terminate()
        await running.wait()


async def _listen(port: int, heard: Heard) -> None:
    while True:
        with contextlib.suppress(aiomqtt.MqttError):  # it has not begun yet
            async with aiomqtt.Client("127.0.0.1", port) as client:
                await client.subscribe("sightpost/alerts", qos=1)
                async for message in client.messages:
                    heard.hears(json.loads(str(message.payload, "utf-8"))["alert"]["id"])
        await asyncio.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--alerts", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        result = asyncio.run(measure(Path(folder), entries=given.entries, alerts=given.alerts))
    print(json.dumps(asdict(result), indent=1))


if __name__ == "__main__":
    main()
