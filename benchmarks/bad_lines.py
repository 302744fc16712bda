"""`python -m benchmarks.bad_lines`: a real sender and a real server over lines as they are outside.

Every line has a camera and a server of its own; all lines run at once, for they mostly wait. What
is asked: does every row arrive, is none sent twice, does the connection hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from agent.clock import SystemClock
from agent.outbox.sending import SendingStore
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from benchmarks.bad_line import BadLine, Line
from benchmarks.faulty_proxy import FaultyProxy
from benchmarks.machine import machine_of
from benchmarks.traffic import DEVICE, Traffic, fill
from server.app import Running, running
from server.config import ServerSettings
from telemetry.logging import configure_logging

KBPS: Final = 125
"""Bytes a second."""
LOOK_S: Final = 0.1

Fault = Callable[[FaultyProxy], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`fault` comes once the first row is acknowledged; `connections` is how many may be needed."""

    name: str
    rows: int
    line: Line = field(default_factory=Line)
    max_kbps: int = 0
    fault: Fault | None = None
    connections: int = 1
    settings: UplinkSettings = field(default_factory=lambda: UplinkSettings(url=""))
    limit_s: float = 1_800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`kbps` is what the rows and pictures needed a second on the way up, overhead included."""

    name: str
    rows: int
    stored: int
    sent_twice: int
    connections: int
    seconds: float
    kbps: float
    last_error: str | None
    is_good: bool


def cases(rows: int) -> list[Case]:
    """The lines of the table, at their true speed."""
    slow = Line(rate_bytes_s=64 * KBPS)
    return [
        Case(name="64 kbit/s", rows=rows, line=slow),
        Case(name="64 kbit/s, capped at 32", rows=rows // 2, line=slow, max_kbps=32),
        Case(name="2 s each way", rows=rows, line=Line(delay_s=2.0)),
        Case(name="30% lost", rows=rows, line=Line(loss=0.3)),
        Case(
            name="256 kbit/s, 1 s, 10% lost",
            rows=rows,
            line=Line(rate_bytes_s=256 * KBPS, delay_s=1.0, loss=0.1),
        ),
        Case(name="stalled for 25 s", rows=rows, line=slow, fault=stalled(25.0)),
        Case(name="half open for 60 s", rows=rows, line=slow, fault=half_open(60.0), connections=9),
    ]


def stalled(lasts_s: float) -> Fault:
    return lambda proxy: proxy.stall(lasts_s=lasts_s)


def half_open(lasts_s: float) -> Fault:
    return lambda proxy: proxy.half_open(lasts_s=lasts_s)


async def measure(case: Case, folder: Path, told: Callable[[int], None], *, seed: int) -> Outcome:
    """Sends all rows of the case; `told` hears of each new count of acknowledged rows."""
    database, images = folder / "lpr_data.db", folder / "captured_images"
    traffic = Traffic(rows=case.rows, with_pictures=True, seed=seed)
    await asyncio.to_thread(fill, database, images, traffic)
    loop = asyncio.get_running_loop()
    async with running(_server_settings(folder)) as server, _line(case, server, seed) as line:
        store = await asyncio.to_thread(SendingStore.open, database, images, DEVICE)
        with contextlib.closing(store):
            sender = _sender(case, line.port, store, database)
            begun_s = loop.time()
            await _send_all(case, sender, line, told)
            taken_s = loop.time() - begun_s
            counts = await asyncio.to_thread(store.counts)
        duplicates, connections = server.counters.duplicates, server.counters.total_connections
        is_good = counts.acknowledged == case.rows and connections <= case.connections
        return Outcome(
            name=case.name,
            rows=case.rows,
            stored=server.counters.rows_received - duplicates,
            sent_twice=duplicates,
            connections=connections,
            seconds=round(taken_s, 1),
            kbps=round(line.bytes_up / taken_s / KBPS, 1),
            last_error=sender.status.last_error,
            is_good=is_good and (duplicates == 0 or case.connections > 1),
        )


async def _send_all(case: Case, sender: Sender, line: _Way, told: Callable[[int], None]) -> None:
    """Until all is acknowledged, or the case's time is over."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sender.run(stop))
        watching = tasks.create_task(_watch(sender, told))
        breaking = tasks.create_task(_break(case, sender, line))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(case.limit_s):
                await sender.drained()
        told(sender.status.acknowledged)
        watching.cancel()
        breaking.cancel()
        stop.set()


async def _watch(sender: Sender, told: Callable[[int], None]) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        told(sender.status.acknowledged)


async def _break(case: Case, sender: Sender, line: _Way) -> None:
    if case.fault is None or line.proxy is None:
        return
    while not sender.status.acknowledged:  # noqa: ASYNC110 (a sender tells nobody of a count)
        await asyncio.sleep(LOOK_S)
    await case.fault(line.proxy)


@dataclass(slots=True)
class _Way:
    """From the sender to the server: the bad line, and before it a proxy where it is to break."""

    line: BadLine
    proxy: FaultyProxy | None

    @property
    def port(self) -> int:
        return self.line.port if self.proxy is None else self.proxy.port

    @property
    def bytes_up(self) -> int:
        return self.line.bytes_up


@asynccontextmanager
async def _line(case: Case, server: Running, seed: int) -> AsyncIterator[_Way]:
    async with BadLine(server.ingest_port, case.line, seed=seed) as line:
        if case.fault is None:
            yield _Way(line, None)
            return
        proxy = FaultyProxy(line.port)
        await proxy.start()
        try:
            yield _Way(line, proxy)
        finally:
            await proxy.stop()


def _sender(case: Case, port: int, store: SendingStore, database: Path) -> Sender:
    return Sender(
        store,
        settings=replace(
            case.settings,
            url=f"ws://127.0.0.1:{port}/",
            max_bytes_s=float(case.max_kbps * KBPS),
        ),
        identity=Identity(hostname=DEVICE, checkpoint_id="1", agent_version="0"),
        clock=SystemClock(),
        lock_path=database.with_suffix(".lock"),
    )


def _server_settings(folder: Path) -> ServerSettings:
    return ServerSettings.load(
        environ={},
        env_files=[],
        port=0,
        web_port=0,
        db_path=folder / "server.db",
        log_file=folder / "server.log",
    )


async def _all(chosen: Sequence[Case], folder: Path, console: Console, seed: int) -> list[Outcome]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        tasks: list[asyncio.Task[Outcome]] = []
        async with asyncio.TaskGroup() as group:
            for number, case in enumerate(chosen):
                bar = progress.add_task(case.name, total=case.rows)

                def told(count: int, bar: Any = bar) -> None:
                    progress.update(bar, completed=count)

                place = folder / str(number)
                tasks.append(group.create_task(measure(case, place, told, seed=seed + number)))
        return [task.result() for task in tasks]


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="bad lines: pictures of 45 KB, a row each")
    for heading in ("line", "rows", "stored", "sent twice", "connections", "s", "kbit/s up", ""):
        table.add_column(heading, justify="left" if heading in ("line", "") else "right")
    for each in outcomes:
        table.add_row(
            each.name, str(each.rows), str(each.stored), str(each.sent_twice),
            str(each.connections), f"{each.seconds:.0f}", f"{each.kbps:.0f}",
            "good" if each.is_good else f"BAD ({each.last_error})",
        )  # fmt: skip
    return table


def main(
    rows: Annotated[int, typer.Option(min=2, help="Rows a line, each with a picture.")] = 16,
    seed: Annotated[int, typer.Option(help="Of rows and losses.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Where databases lie.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Sends pictures over slow, long, lossy and breaking lines; exit 1 where one fails."""
    console = Console(stderr=as_json)
    with tempfile.TemporaryDirectory(prefix="sightpost-lines-", dir=folder) as place:
        machine = machine_of(Path(place))
        configure_logging(file=Path(place) / "log", level="INFO", to_stderr=False)
        outcomes = asyncio.run(_all(cases(rows), Path(place), console, seed))
    if as_json:
        print(
            json.dumps({"machine": asdict(machine), "lines": [asdict(each) for each in outcomes]})
        )
    else:
        console.print(_table(outcomes))
        console.print(f"{machine.processor}, {machine.cores} cores, {machine.measured_at}")
    if not all(each.is_good for each in outcomes):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
