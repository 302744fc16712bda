"""`python -m benchmarks.fan_in`: many cameras at one server, then all of them dropped at once.

One process plays all cameras; the server is a process of its own, whose cost is told apart.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import resource
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import cv2
import msgspec
import numpy as np
import typer
import uvloop
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from benchmarks.machine import machine_of
from benchmarks.server_process import ServerProcess
from wire.client_session import ClientSession, EncodedRow, RowsAnswered, Welcomed
from wire.message_id import RANDOM_BYTES, time_ordered_id
from wire.v1 import SUBPROTOCOL, Hello

_PICTURE_SHARE: Final = 0.2
_DIALLING_AT_ONCE: Final = 200
_BACKOFF_S: Final = (1.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`rate` is rows a second of all cameras together; a fifth of them carry a picture.

    Without a rate it is half of the peak: what the server takes when each camera sends its next
    row as soon as the one before is answered.
    """

    cameras: int
    rate: float | None
    duration_s: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the cameras connect, with TLS or without, and the picture (base64) that they send."""

    url: str
    tls: ssl.SSLContext | None
    picture: str


@dataclass(slots=True)
class Seen:
    """What the cameras measured."""

    waits_s: list[float] = field(default_factory=list)
    failures: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`recovery_s`: from the moment all were dropped until all were welcomed again.

    `peak_rows_per_s` is None where a rate was given. Processor shares are of one core.
    """

    cameras: int
    peak_rows_per_s: float | None
    rows: int
    rows_per_s: float
    p50_ms: float
    p99_ms: float
    failures: int
    bytes_per_connection: float
    server_cpu_share: float
    load_cpu_share: float
    recovery_s: float


class Camera:
    """One camera: a connection, and a row now and then whose acknowledgement it waits for."""

    def __init__(self, number: int, site: Site, plan: Plan, seen: Seen) -> None:
        self._number = number
        self._site = site
        self._plan = plan
        self._seen = seen
        self._random = random.Random(plan.seed * 1_000_003 + number)
        self._sequence = 0
        self.socket: ClientConnection | None = None
        self._session: ClientSession | None = None

    async def connect(self) -> None:
        """Connects and greets; tries again with full jitter, as the agent does."""
        attempt = 0
        while True:
            try:
                await self._try()
                return
            except (OSError, TimeoutError, WebSocketException):
                self._seen.failures += 1
                first, most = _BACKOFF_S
                await asyncio.sleep(self._random.uniform(0, min(most, first * 2**attempt)))
                attempt += 1

    async def _try(self) -> None:
        self.socket = await connect(
            self._site.url,
            ssl=self._site.tls,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            ping_interval=None,
            open_timeout=60,
        )
        now = datetime.now(UTC)
        self._session = ClientSession(
            Hello(
                device_id=f"camera-{self._number}", epoch="1", hostname=f"camera-{self._number}",
                checkpoint_id="1", agent_version="0", time=now, clock_state="synchronised",
            )
        )  # fmt: skip
        await self.socket.send(self._session.hello(), text=True)
        if not isinstance(self._session.receive(await self.socket.recv()), Welcomed):
            raise OSError("no welcome")
        self._seen.open += 1

    async def hurry(self, until_s: float) -> None:
        """Sends the next row as soon as the one before is answered, until then."""
        loop = asyncio.get_running_loop()
        while loop.time() < until_s:
            began_s = loop.time()
            await self._send_row()
            self._seen.waits_s.append(loop.time() - began_s)

    async def work(self, until_s: float, rate: float) -> None:
        """Sends rows at random moments until then; a row that falls due late counts as late."""
        loop = asyncio.get_running_loop()
        mean_s = self._plan.cameras / rate
        due_s = loop.time() + self._random.expovariate(1 / mean_s)
        while due_s < until_s:
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            await self._send_row()
            self._seen.waits_s.append(loop.time() - due_s)
            due_s += self._random.expovariate(1 / mean_s)

    async def _send_row(self) -> None:
        if self.socket is None or self._session is None:
            raise RuntimeError("connect comes first")
        row = self._row()
        await self.socket.send(self._session.send([row]), text=True)
        event = self._session.receive(await self.socket.recv())
        if not isinstance(event, RowsAnswered) or not event.results[0].success:
            raise RuntimeError(f"a sound row was refused: {event}")

    def _row(self) -> EncodedRow:
        self._sequence += 1
        bits = self._random.getrandbits(8 * RANDOM_BYTES).to_bytes(RANDOM_BYTES)
        row_id = time_ordered_id(int(time.time() * 1000), bits)
        is_pictured = self._random.random() < _PICTURE_SHARE
        data = (
            {"license_plate": "ABC1234", "confidence": 91.5, "image": self._site.picture}
            if is_pictured
            else {"component": "camera", "status": "PASS", "message": "working"}
        )
        row = {
            "table": "lpr_detection" if is_pictured else "health_monitor",
            "id": row_id,
            "sequence": self._sequence,
            "captured_at": datetime.now(UTC),
            "data": data,
        }
        return EncodedRow(row_id, msgspec.json.encode(row))


async def measure(
    server: ServerProcess, plan: Plan, site: Site, say: Callable[[str], None]
) -> Outcome:
    """Connects all, lets them work, drops them, waits until all are back."""
    seen = Seen()
    cameras = [Camera(number, site, plan, seen) for number in range(plan.cameras)]
    empty = server.cost()
    dialling = asyncio.Semaphore(_DIALLING_AT_ONCE)

    async def enter(camera: Camera) -> None:
        async with dialling:
            await camera.connect()

    say("connecting")
    await _all(enter(camera) for camera in cameras)
    full = server.cost()
    loop = asyncio.get_running_loop()
    peak, rate = None, plan.rate
    if rate is None:
        say("sending as fast as they are answered")
        began_s = loop.time()
        until_s = began_s + plan.duration_s
        await _all(camera.hurry(until_s) for camera in cameras)
        peak = len(seen.waits_s) / (loop.time() - began_s)
        rate = peak / 2
        seen.waits_s.clear()
    before, load_cpu, started = server.cost(), time.process_time(), time.monotonic()
    say(f"sending {rate:,.0f} rows a second")
    until_s = loop.time() + plan.duration_s
    await _all(camera.work(until_s, rate) for camera in cameras)
    took_s = time.monotonic() - started
    cpu_s, load_s = server.cost().cpu_s - before.cpu_s, time.process_time() - load_cpu
    say("all dropped at once")
    dropped = time.monotonic()
    for camera in cameras:
        if camera.socket is not None:
            camera.socket.transport.abort()
    await _all(camera.connect() for camera in cameras)
    recovery_s = time.monotonic() - dropped
    for camera in cameras:
        if camera.socket is not None:
            camera.socket.transport.abort()
    waits = sorted(seen.waits_s)
    return Outcome(
        cameras=plan.cameras,
        peak_rows_per_s=peak,
        rows=len(waits),
        rows_per_s=len(waits) / took_s,
        p50_ms=1000 * waits[len(waits) // 2],
        p99_ms=1000 * waits[len(waits) * 99 // 100],
        failures=seen.failures,
        bytes_per_connection=(full.memory_bytes - empty.memory_bytes) / plan.cameras,
        server_cpu_share=cpu_s / took_s,
        load_cpu_share=load_s / took_s,
        recovery_s=recovery_s,
    )


async def _all(works: Iterable[Coroutine[None, None, None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for work in works:
            tasks.create_task(work)


def site_of(server: ServerProcess, picture: str, certificate: Path | None = None) -> Site:
    """`certificate` is the server's own, which the cameras trust; None: without TLS."""
    tls = None if certificate is None else ssl.create_default_context(cafile=str(certificate))
    scheme = "ws" if tls is None else "wss"
    return Site(url=f"{scheme}://127.0.0.1:{server.port}/", tls=tls, picture=picture)


def certificate_in(folder: Path) -> dict[str, str]:
    """Makes a certificate with the openssl program; the server's settings that name it."""
    program = shutil.which("openssl")
    if program is None:
        raise typer.BadParameter("--tls needs the openssl program")
    certificate, key = folder / "server.pem", folder / "server.key"
    subprocess.run(
        [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=fan-in", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return {"SERVER_TLS_CERT": str(certificate), "SERVER_TLS_KEY": str(key)}


def _picture(seed: int) -> str:
    """A noisy JPEG of some 45 KB as base64."""
    noise = np.random.default_rng(seed).normal(128, 28, (120, 160, 3)).clip(0, 255)
    pixels = cv2.resize(noise.astype(np.uint8), (640, 480), interpolation=cv2.INTER_LINEAR)
    content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
    return base64.b64encode(content).decode()


def main(
    cameras: Annotated[int, typer.Option(min=1, help="How many cameras.")] = 2000,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, help="Rows a second of all together; default: half of the peak."),
    ] = None,
    duration_s: Annotated[float, typer.Option(min=1, help="Seconds of sending.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed sends the same rows.")] = 1,
    folder: Annotated[
        Path, typer.Option(help="Where the server's database is made and removed; on a disk.")
    ] = Path(),
    tls: Annotated[
        bool, typer.Option("--tls", help="With TLS; needs the openssl program.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a server with many cameras connected, then dropped and coming back at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < cameras + 100:
        raise typer.BadParameter(f"{hard} files may be open ({soft} before): ulimit -n allows more")
    plan = Plan(cameras=cameras, rate=rate, duration_s=duration_s, seed=seed)
    machine = machine_of(folder)
    console = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(dir=folder) as made,
        Progress(console=console) as progress,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        place = Path(made).resolve()
        task = progress.add_task("starting", total=None)
        environ = certificate_in(place) if tls else {}
        with ServerProcess(place, environ) as server:
            site = site_of(server, _picture(seed), place / "server.pem" if tls else None)
            outcome = runner.run(
                measure(server, plan, site, lambda text: progress.update(task, description=text))
            )
    if as_json:
        print(json.dumps({"machine": asdict(machine), "outcome": asdict(outcome)}, indent=2))
        return
    table = Table("what", "value", title=f"{machine.processor}, {machine.cores} cores")
    for name, value in asdict(outcome).items():
        table.add_row(name, f"{value:,.2f}" if isinstance(value, float) else f"{value:,}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
