"""How many rows a second a store commits: SQLite, PostgreSQL, PostgreSQL from several processes.

The groups of rows are committed by the server's own stores, as its ingest does, without the sockets
in front of them: what is measured is what the database carries. PostgreSQL runs here, from the
wheel, with fsync.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.local_postgres import local_postgres
from benchmarks.machine import machine_of
from server.storage.adoption import prepare_database
from server.storage.picture_stores.daily import DailyPictures
from server.storage.postgres.connection import opened
from server.storage.postgres.pool import opened_pool
from server.storage.postgres.preparing import prepare_database as prepare_postgres
from server.storage.postgres.store import PostgresStore
from server.storage.protocol import CentreStore
from server.storage.sqlite import SqliteStore
from wire.acceptance import accept_v1
from wire.accepted import AcceptedRow
from wire.checks import CheckedPicture
from wire.limits import Limits
from wire.message_id import RANDOM_BYTES, time_ordered_id
from wire.rows import LprDetection, LprRow
from wire.v1 import Hello

GROUP_ROWS: Final = 256
CAMERAS: Final = 50
PICTURE_BYTES: Final = 45_000
PROCESSES: Final = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Task:
    """One process: which store (`url` empty: SQLite), its number, with pictures or not."""

    folder: Path
    url: str
    number: int
    has_pictures: bool
    seconds: float


def groups(task: Task) -> Iterator[list[AcceptedRow]]:
    """Fresh rows of this process's own cameras, without end."""
    numbers = dict.fromkeys(range(CAMERAS), 0)
    while True:
        rows = []
        for place in range(GROUP_ROWS):
            camera = place % CAMERAS
            numbers[camera] += 1
            rows.append(_row(task, camera, numbers[camera]))
        yield rows


def _row(task: Task, camera: int, sequence: int) -> AcceptedRow:
    now = datetime.now(UTC)
    random = (task.number << 64 | camera << 48 | sequence).to_bytes(RANDOM_BYTES, "big")
    row = LprRow(
        id=time_ordered_id(int(now.timestamp() * 1000), random),
        sequence=sequence,
        captured_at=now,
        data=LprDetection(license_plate=f"AB{sequence % 10_000:04}", confidence=91.0, region="eu"),
    )
    hello = Hello(
        device_id=f"camera-{task.number}-{camera}",
        epoch="measured",
        hostname="host",
        checkpoint_id="1",
        agent_version="0",
        time=now,
        clock_state="synchronised",
    )
    accepted = accept_v1(row, hello, Limits())
    if not task.has_pictures:
        return accepted
    return _with_picture(accepted, random)


def _with_picture(row: AcceptedRow, random: bytes) -> AcceptedRow:
    """Bytes that nothing shrinks, different for each row."""
    content = random * (PICTURE_BYTES // len(random))
    picture = CheckedPicture(content=content, sha256=random.hex().rjust(64, "0"))
    return msgspec.structs.replace(row, picture=picture, image_status="present")


async def _commit(store: CentreStore, task: Task, start: threading.Barrier) -> float:
    """Rows a second that were committed, from when all processes were ready."""
    following = groups(task)
    await store.commit_group(next(following), datetime.now(UTC))  # its statements are prepared
    start.wait()
    stored, began_s = 0, time.monotonic()
    while (took_s := time.monotonic() - began_s) < task.seconds:
        rows = next(following)
        await store.commit_group(rows, datetime.now(UTC))
        stored += len(rows)
    return stored / took_s


async def _in_sqlite(task: Task, start: threading.Barrier) -> float:
    store = SqliteStore(task.folder / "server.db", task.folder / "pictures")
    try:
        return await _commit(store, task, start)
    finally:
        await store.close()


async def _in_postgres(task: Task, start: threading.Barrier) -> float:
    pictures = DailyPictures(task.folder / "pictures")
    try:
        async with opened_pool(task.url, connections=2) as pool:
            return await _commit(PostgresStore(pool, pictures), task, start)
    finally:
        pictures.close()


def work(task: Task, start: threading.Barrier, rates: Queue[float]) -> None:
    """In a process of its own."""
    rates.put(asyncio.run(_in_postgres(task, start) if task.url else _in_sqlite(task, start)))


def measured(folder: Path, url: str, processes: int, *, has_pictures: bool, seconds: float) -> int:
    """Rows a second of so many processes together, on an empty database."""
    folder.mkdir(parents=True)
    if url:
        asyncio.run(prepare_postgres(url, now=datetime.now(UTC)))
    else:
        prepare_database(folder / "server.db", zone_of=lambda _: UTC, now=datetime.now(UTC))
    context = multiprocessing.get_context("spawn")
    start, rates = context.Barrier(processes), context.Queue()
    started = []
    for number in range(processes):
        task = Task(folder, url, number, has_pictures, seconds)
        started.append(context.Process(target=work, args=(task, start, rates)))
        started[-1].start()
    found: list[float] = [rates.get(timeout=60 + 10 * seconds) for _ in started]
    for each in started:
        each.join()
    return round(sum(found))


def every(seconds: float, times: int, folder: Path) -> list[dict[str, Any]]:
    """Each kind, the median of so many times."""
    found: list[dict[str, Any]] = []
    with local_postgres(options=("shared_buffers=256MB",)) as server:
        kinds = [("sqlite", 1), *(("postgresql", count) for count in PROCESSES)]
        for has_pictures in (False, True):
            for kind, processes in kinds:
                rates: list[int] = []
                for _ in range(times):
                    place = folder / f"run-{len(found)}-{len(rates)}"
                    url = ""
                    if kind == "postgresql":
                        name = place.name.replace("-", "_")
                        asyncio.run(_make(server.url(), name))
                        url = server.url(name)
                    rates.append(
                        measured(place, url, processes, has_pictures=has_pictures, seconds=seconds)
                    )
                    shutil.rmtree(place)
                found.append(
                    {
                        "store": kind,
                        "processes": processes,
                        "pictures": has_pictures,
                        "rows_per_s": sorted(rates)[len(rates) // 2],
                        "runs": rates,
                    }
                )
                print(json.dumps(found[-1]), flush=True)
    return found


async def _make(url: str, name: str) -> None:
    connection = await opened(url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sightpost-scale-") as folder:
        print(machine_of(Path(folder)))
        every(given.seconds, given.times, Path(folder))


if __name__ == "__main__":
    main()
