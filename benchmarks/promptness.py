"""`python -m benchmarks.promptness`: how soon a sighting that was just decided is on the server.

A camera that is up to date records one plate after another at random moments. What is timed: from
the moment the recording is asked for until the acknowledgement is written down, on loopback; and
how long a sender that runs alone, and is told nothing, needs to find a row.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent.camera.frame import SensorFacts
from agent.clock import SystemClock
from agent.outbox.sending import SendingStore
from agent.outbox.store import Outbox
from agent.pipeline.sighting import PlateSighting
from agent.uplink.sender import Sender
from agent.uplink.settings import Identity, UplinkSettings
from benchmarks.machine import machine_of
from benchmarks.server_process import ServerProcess
from telemetry.logging import configure_logging
from vision.geometry import Box

AIM_MS: Final = 300.0
ALONE_INTERVAL_S: Final = 1.0
PAUSE_S: Final = (0.05, 0.25)
DEVICE: Final = "prompt-camera"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Milliseconds from the decision to the acknowledgement."""

    sender: str
    rows: int
    p50_ms: float
    p99_ms: float
    most_ms: float


async def measure(
    folder: Path, port: int, *, rows: int, seed: int, is_alone: bool, told: Callable[[], None]
) -> Waits:
    """One sender in this process; `is_alone` leaves it to find out by itself."""
    chance = random.Random(seed)
    with (
        Outbox.open(folder / "lpr_data.db", folder / "captured_images", DEVICE) as outbox,
        contextlib.closing(outbox.sending()) as store,
    ):
        sender = _sender(store, port, folder)
        if not is_alone:
            outbox.on_commit(sender.notify)
        stop = asyncio.Event()
        waits_ms: list[float] = []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sender.run(stop))
            for number in range(rows + 1):  # the first one makes the connection
                await asyncio.sleep(chance.uniform(*PAUSE_S))
                waits_ms.append(await _wait_ms(outbox, sender, number))
                told()
            stop.set()
    counted = sorted(waits_ms[1:])
    return Waits(
        sender="alone" if is_alone else "in the agent",
        rows=rows,
        p50_ms=round(statistics.median(counted), 1),
        p99_ms=round(counted[min(len(counted) - 1, int(0.99 * len(counted)))], 1),
        most_ms=round(counted[-1], 1),
    )


async def _wait_ms(outbox: Outbox, sender: Sender, number: int) -> float:
    loop = asyncio.get_running_loop()
    sighting = _sighting(number)
    begun_s = loop.time()
    await asyncio.to_thread(outbox.record_plate, sighting)
    while sender.status.acknowledged <= number:  # noqa: ASYNC110 (a sender tells nobody of a count)
        await asyncio.sleep(0.001)
    return (loop.time() - begun_s) * 1000


def _sighting(number: int) -> PlateSighting:
    at = datetime.now(UTC)
    noise = np.random.default_rng(number).normal(128, 28, (480, 640, 3)).clip(0, 255)
    return PlateSighting(
        plate=f"PR{number:05}",
        confidence=0.9,
        box=Box(x1=10, y1=20, x2=110, y2=50),
        captured_at=at,
        first_seen_at=at,
        last_seen_at=at,
        picture=noise.astype(np.uint8),
        sensor=SensorFacts(),
        region="eu",
        direction="approaching",
        evidence={"model": "benchmark"},
    )


def _sender(store: SendingStore, port: int, folder: Path) -> Sender:
    return Sender(
        store,
        settings=UplinkSettings(
            url=f"ws://127.0.0.1:{port}/", check_interval_s=ALONE_INTERVAL_S, backoff_max_s=1.0
        ),
        identity=Identity(hostname=DEVICE, checkpoint_id="1", agent_version="0"),
        clock=SystemClock(),
        lock_path=folder / "sender.lock",
    )


def main(
    rows: Annotated[int, typer.Option(min=10, help="Sightings of each sender.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Where databases lie.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Times single sightings; exit 1 where the agent's own sender misses 300 ms in the median."""
    console = Console(stderr=as_json)
    found: list[Waits] = []
    with tempfile.TemporaryDirectory(prefix="sightpost-prompt-", dir=folder) as place:
        machine = machine_of(Path(place))
        configure_logging(file=Path(place) / "benchmark.log", level="INFO", to_stderr=False)
        with ServerProcess(Path(place)) as server, Progress(console=console) as progress:
            for is_alone in (False, True):
                bar = progress.add_task("alone" if is_alone else "in the agent", total=rows + 1)
                home = Path(place) / ("alone" if is_alone else "embedded")
                work = measure(
                    home,
                    server.port,
                    rows=rows,
                    seed=seed,
                    is_alone=is_alone,
                    told=lambda bar=bar: progress.advance(bar),  # type: ignore[misc]
                )
                found.append(asyncio.run(work))
    if as_json:
        print(json.dumps({"machine": asdict(machine), "waits": [asdict(each) for each in found]}))
    else:
        table = Table("sender", "sightings", "p50 ms", "p99 ms", "most ms")
        for each in found:
            table.add_row(*(str(value) for value in asdict(each).values()))
        console.print(table)
        console.print(f"{machine.processor}, {machine.cores} cores, {machine.measured_at}")
    if found[0].p50_ms > AIM_MS:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
