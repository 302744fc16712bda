"""Long work watched from outside: does memory grow, is a row lost? `python -m benchmarks.soak`.

A real server and a real agent on the endless synthetic road, each a process of its own. Exit 1
where memory grows or a row is missing, double or unknown.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.machine import Machine, machine_of
from benchmarks.server_process import ServerProcess, cost_of
from benchmarks.trend import Trend, minute_medians, trend_of

_ROOT: Final = Path(__file__).resolve().parents[1]
SAMPLE_S: Final = 2.0
SETTLED_SHARE: Final = 1 / 3
"""The first third is left out: models, caches and allocators fill up then."""
START_S: Final = 120.0
STOP_S: Final = 30.0
TABLES: Final = {
    "detection_results": "lpr_detections",
    "health_checks": "health_monitors",
    "evictions": "evictions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Resident memory in bytes: the trend of the minutes' medians, by the hour, and the ends."""

    first_bytes: float
    last_bytes: float
    peak_bytes: int
    minutes: int
    hourly: Trend


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Rows by their ids, on both ends."""

    captured: int
    stored: int
    lost: int
    double: int
    unknown: int

    @property
    def balance(self) -> bool:
        return self.captured > 0 and not (self.lost or self.double or self.unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """The outcome of a run."""

    machine: Machine
    source: str
    minutes: float
    agent: Growth
    server: Growth
    agent_cpu_share: float
    books: Books
    idle: dict[str, Any] | None

    @property
    def is_clean(self) -> bool:
        return self.books.balance and all(
            one.hourly.is_flat or one.hourly.slope < 0 for one in (self.agent, self.server)
        )


@dataclass(slots=True)
class Samples:
    """(seconds, bytes) of each program."""

    agent: list[tuple[float, float]]
    server: list[tuple[float, float]]


@contextmanager
def agent_process(folder: Path, *, port: int, source: str) -> Iterator[subprocess.Popen[bytes]]:
    """`agent run` in that folder; killed at the end if it still runs."""
    with (folder / "agent.out").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", "run", "--source", source],
            cwd=folder,
            env=_environ(port),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _wait_for_a_row(process: subprocess.Popen[bytes], database: Path) -> None:
    """Until the agent is at work; the time of its start is no part of the run."""
    deadline_s = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline_s:
        with suppress(apsw.Error):  # the tables are being made
            if database.exists() and any(_ids(database, TABLES.keys())):
                return
        time.sleep(0.1)
    raise RuntimeError(f"the agent wrote no row within {START_S:.0f} s: see its output")


def watch(
    process: subprocess.Popen[bytes],
    server: ServerProcess,
    *,
    seconds: float,
    tell: Callable[[float, str], None],
) -> Samples:
    """Looks every `SAMPLE_S`; raises RuntimeError where either program ends by itself."""
    samples = Samples(agent=[], server=[])
    began_s = time.monotonic()
    while (at_s := time.monotonic() - began_s) < seconds:
        if process.poll() is not None or not server.is_up:
            raise RuntimeError(f"a program ended after {at_s:.0f} s: its output is in its folder")
        agent_bytes, server_bytes = cost_of(process.pid).memory_bytes, server.cost().memory_bytes
        samples.agent.append((at_s, agent_bytes))
        samples.server.append((at_s, server_bytes))
        tell(at_s, f"agent {agent_bytes / 1e6:.0f} MB, server {server_bytes / 1e6:.0f} MB")
        time.sleep(SAMPLE_S)
    return samples


def growth_of(samples: list[tuple[float, float]]) -> Growth:
    """Of what was seen once it had settled; of a run below some minutes by its samples."""
    from_s = samples[-1][0] * SETTLED_SHARE
    settled = [(at_s, size) for at_s, size in samples if at_s >= from_s]
    minutes = minute_medians(settled)
    points = [(minute / 60, size) for minute, size in minutes]
    if len(points) < 3:
        points = [(at_s / 3600, size) for at_s, size in settled]
    return Growth(
        first_bytes=points[0][1],
        last_bytes=points[-1][1],
        peak_bytes=int(max(size for _, size in samples)),
        minutes=len(minutes),
        hourly=trend_of(points),
    )


def compare(camera: Path, server: Path) -> Books:
    """Every row of the camera against every row of the server, by message id."""
    captured = Counter(_ids(camera, TABLES.keys()))
    stored = Counter(_ids(server, TABLES.values()))
    return Books(
        captured=captured.total(),
        stored=stored.total(),
        lost=(captured - stored).total(),
        double=sum(count - 1 for count in stored.values()),
        unknown=len(set(stored) - set(captured)),
    )


def _ids(path: Path, tables: Any) -> Iterator[str]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        for table in tables:
            rows = connection.execute(f"SELECT message_id FROM {table}")  # noqa: S608 - names above
            yield from (str(row[0]) for row in rows)
    finally:
        connection.close()


def soak(
    folder: Path, *, minutes: float, source: str, idle_s: float, tell: Callable[[float, str], None]
) -> Soak:
    """The whole run; `idle_s` 0 leaves the measurement of the idle agent out."""
    idle = _idle(idle_s) if idle_s else None
    camera, centre = folder / "camera", folder / "centre"
    camera.mkdir()
    centre.mkdir()
    with ServerProcess(centre) as server:
        with agent_process(camera, port=server.port, source=source) as process:
            _wait_for_a_row(process, camera / "db" / "lpr_data.db")
            samples = watch(process, server, seconds=minutes * 60, tell=tell)
            cpu_s = cost_of(process.pid).cpu_s
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_S)
        _run([sys.executable, "-m", "agent", "send", "--once"], cwd=camera, port=server.port)
        server_database = server.database
    return Soak(
        machine=machine_of(folder),
        source=source,
        minutes=minutes,
        agent=growth_of(samples.agent),
        server=growth_of(samples.server),
        agent_cpu_share=cpu_s / (minutes * 60),
        books=compare(camera / "db" / "lpr_data.db", server_database),
        idle=idle,
    )


def _idle(seconds: float) -> dict[str, Any]:
    """In a process of its own, so that its memory is not this one's."""
    command = [sys.executable, "-m", "benchmarks.idle", "--seconds", str(seconds), "--json"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def _run(command: list[str], *, cwd: Path, port: int) -> None:
    subprocess.run(command, cwd=cwd, env=_environ(port), capture_output=True, check=True)


def _environ(port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(_ROOT),
        "WEBSOCKET_SERVER_URL": f"ws://127.0.0.1:{port}/",
        "AGENT_WEB_PORT": "0",
        "HEALTH_CHECK_INTERVAL": "30",
    }


def _print(console: Console, outcome: Soak) -> None:
    for name, growth in (("agent", outcome.agent), ("server", outcome.server)):
        trend = growth.hourly
        console.print(
            f"{name}: {growth.last_bytes / 1e6:.1f} MB (peak {growth.peak_bytes / 1e6:.1f}); slope "
            f"{trend.slope / 1e6:+.2f} MB/h (95%: {trend.low / 1e6:+.2f} to "
            f"{trend.high / 1e6:+.2f}) over {growth.minutes} minutes: "
            + ("flat" if trend.is_flat else "FALLING" if trend.slope < 0 else "GROWING")
        )
    books = outcome.books
    console.print(
        f"rows: {books.captured} captured, {books.stored} stored, {books.lost} lost, "
        f"{books.double} double, {books.unknown} unknown"
    )
    console.print(f"agent at work, decoding and rendering counted: {outcome.agent_cpu_share:.0%}")
    if outcome.idle is not None:
        idle = outcome.idle
        console.print(
            f"agent on a static scene, {idle['frames_per_s']:.1f} frames/s 1280x720: "
            f"{idle['core_share']:.1%} of one core, capture not counted"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="to run (default 30)")
    parser.add_argument("--source", default="synthetic:?seed=1", help="what the agent looks at")
    parser.add_argument(
        "--idle-seconds",
        type=float,
        default=60.0,
        help="to measure the agent on a static scene, before; 0: not at all (default 60)",
    )
    parser.add_argument("--folder", type=Path, help="for its files (default: a temporary one)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    console = Console(stderr=arguments.json)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console
    )
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name, bar:
        task = bar.add_task("starting", total=arguments.minutes * 60)
        outcome = soak(
            Path(name),
            minutes=arguments.minutes,
            source=arguments.source,
            idle_s=arguments.idle_seconds,
            tell=lambda at_s, text: bar.update(task, completed=at_s, description=text),
        )
    if arguments.json:
        print(json.dumps(dataclasses.asdict(outcome), indent=2))
    else:
        _print(console, outcome)
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
