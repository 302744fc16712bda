"""A year of a large centre in PostgreSQL, and how soon its pages have their data:
python -m benchmarks.load_postgres.

A process for each month makes its rows and copies them straight into that month's partitions, which
get their indexes and are attached then: that is how a table is filled, not how a server takes rows.
Exit 1 where a question took longer than it may.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from benchmarks.history import History, Plan
from benchmarks.load_history import (
    UNTIL,
    Answer,
    Question,
    of_cameras,
    of_sightings,
    table_of,
    timed,
)
from benchmarks.local_postgres import PostgresMissing, local_postgres
from benchmarks.machine import NotOnDisk, machine_of
from server.storage.cameras import StoredCameras
from server.storage.pictures import PictureArchive
from server.storage.postgres.connection import LONG_ANSWER_S, Connection, opened
from server.storage.postgres.partitions import Month, first_id, others_of
from server.storage.postgres.pool import opened_pool
from server.storage.postgres.preparing import prepare_database
from server.storage.postgres.readers import PostgresReaders
from server.storage.reading.cameras import StateRule
from server.storage.records import TARGETS, record_of
from server.storage.sightings import StoredSightings
from wire.accepted import AcceptedRow
from wire.rows import Table

READERS: Final = 4
_SIZES: Final = (
    "SELECT pg_database_size(current_database()), (SELECT sum(pg_total_relation_size(inhrelid)) "
    "FROM pg_inherits WHERE inhparent = 'lpr_detections'::regclass)"
)
IDS_A_MONTH: Final = 100_000_000
"""Record ids and numbers of cameras begin so far apart from month to month."""
LOADING: Final = (
    *("fsync=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=8GB"),
    *("full_page_writes=off", "autovacuum=off"),
)
"""Nothing is lost with what a benchmark loads: a power cut in it means that it is run again."""
_LATER: Final = timedelta(days=500)
"""The months that the server makes itself are so far from those that are loaded here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one process loads: the `number`th month of so many."""

    url: str
    month: Month
    number: int
    plan: Plan


def pieces(
    url: str, *, sightings: int, cameras: int, months: int, health_days: int, seed: int
) -> list[Piece]:
    """The months up to UNTIL, the last of which has health."""
    last = Month.of(UNTIL)
    found = []
    for number in range(months):
        month = last.plus(number + 1 - months)
        until = min(month.plus(1).begin, UNTIL)
        plan = Plan(
            sightings=sightings // months,
            cameras=cameras,
            days=(until - month.begin).days,
            until=until,
            pictures=0.0,
            health_days=health_days if month == last else 0,
            seed=seed + number,
            regulars_seed=seed,
            after=number * IDS_A_MONTH,
        )
        found.append(Piece(url=url, month=month, number=number, plan=plan))
    return found


def load(piece: Piece, progress: Queue[int]) -> dict[str, int]:
    """In a process of its own; the last number of each camera."""
    return asyncio.run(_load(piece, progress))


async def _load(piece: Piece, progress: Queue[int]) -> dict[str, int]:
    history = History(piece.plan)
    connection = await opened(piece.url, answer_s=LONG_ANSWER_S)
    try:
        async with connection.transaction():
            for target in TARGETS.values():
                await connection.execute(
                    f"CREATE TABLE {piece.month.partition_of(target.name)} (LIKE {target.name} "
                    "INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE)"
                )
            next_id = piece.number * IDS_A_MONTH
            for at, rows in history.hours():
                next_id = await _copy(connection, piece.month, rows, next_id, at)
                progress.put(sum(row.table == Table.LPR_DETECTION for row in rows))
        for target in TARGETS.values():
            await _attach(connection, target.name, piece.month)
    finally:
        await connection.close()
    return {camera.hello.device_id: camera.sequence for camera in history.cameras}


async def _copy(
    connection: Connection, month: Month, rows: Sequence[AcceptedRow], next_id: int, at: datetime
) -> int:
    """The next id."""
    received_at = at.isoformat(timespec="milliseconds")
    records: dict[Table, list[tuple[object, ...]]] = {}
    for row in rows:
        next_id += 1
        records.setdefault(row.table, []).append(record_of(row, next_id, received_at))
    for table, values in records.items():
        target = TARGETS[table]
        await connection.copy_records_to_table(
            month.partition_of(target.name), records=values, columns=target.all_columns
        )
    return next_id


async def _attach(connection: Connection, table: str, month: Month) -> None:
    """With the indexes that a partition has, which are taken over and not built again."""
    part, model = month.partition_of(table), others_of(table)
    found = await connection.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = $1", model)
    for (statement,) in found:
        await connection.execute(str(statement).replace(model, part))
    await connection.execute(f"VACUUM (ANALYZE) {part}")
    begin, end = (f"'{first_id(each)}'" for each in (month, month.plus(1)))
    await connection.execute(
        f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({begin}) TO ({end})"
    )


async def _finish(url: str, sequences: dict[str, int]) -> None:
    """The cameras with their books, and what the planner knows of whole tables."""
    connection = await opened(url, answer_s=LONG_ANSWER_S)
    at = UNTIL.isoformat(timespec="milliseconds")
    try:
        await connection.execute(
            "INSERT INTO cameras (device_id, hostname, checkpoint_id, epoch, first_seen, "
            "last_seen) SELECT name, name, '1', '8f0c2d41', $2, $2 FROM unnest($1::text[]) AS t "
            "(name)",
            list(sequences),
            at,
        )
        await connection.execute(
            "INSERT INTO camera_epochs (camera, epoch, last_sequence, rows_stored, "
            "first_received_at, last_received_at) SELECT c.id, c.epoch, s.last, s.last, $3, $3 "
            "FROM unnest($1::text[], $2::bigint[]) AS s (name, last) "
            "JOIN cameras AS c ON c.device_id = s.name",
            list(sequences),
            list(sequences.values()),
            at,
        )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def loaded(given: argparse.Namespace, url: str, console: Console) -> int:
    """Loads; how many sightings there are."""
    asyncio.run(prepare_database(url, now=UNTIL + _LATER))
    wanted = pieces(
        url,
        sightings=given.sightings,
        cameras=given.cameras,
        months=given.months,
        health_days=given.health_days,
        seed=given.seed,
    )
    context = multiprocessing.get_context("spawn")
    columns = (*("[progress.description]{task.description}", BarColumn()), MofNCompleteColumn())
    with (
        context.Manager() as manager,
        ProcessPoolExecutor(given.processes, mp_context=context) as executor,
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
    ):
        counted = manager.Queue()
        bar = progress.add_task("sightings", total=sum(each.plan.sightings for each in wanted))
        running = [executor.submit(load, each, counted) for each in wanted]
        while not all(each.done() for each in running) or not counted.empty():
            if counted.empty():
                time.sleep(0.1)
            else:
                progress.advance(bar, counted.get())
        sequences = running[-1].result()
        for each in running:
            each.result()
    asyncio.run(_finish(url, sequences))
    return sum(each.plan.sightings for each in wanted)


async def ask_all(url: str, folder: Path, times: int) -> list[Answer]:
    """Every question of the pages, each `times` times, one after the other."""
    async with opened_pool(url, connections=READERS + 1) as pool:
        with (
            closing(PostgresReaders(pool, threads=READERS)) as readers,
            closing(PictureArchive(folder / "pictures", read_only=True)) as archive,
        ):
            sightings = StoredSightings(readers, archive)
            asked: list[Question] = [
                *await of_sightings(sightings),
                *await of_cameras(StoredCameras(readers, StateRule())),
            ]
            return [await timed(question, times) for question in asked]


async def _sizes(url: str) -> tuple[int, int]:
    """Of the database, and of sightings with their indexes, in bytes."""
    connection = await opened(url)
    try:
        database, sightings = await connection.fetchrow(_SIZES) or (0, 0)
        return int(database), int(sightings)
    finally:
        await connection.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load_postgres", description=__doc__)
    parser.add_argument("--sightings", type=int, default=10_000_000)
    parser.add_argument("--cameras", type=int, default=200)
    parser.add_argument("--health-days", type=int, default=1)
    parser.add_argument("--months", type=int, default=12, help="each has a partition")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="that load")
    parser.add_argument("--memory", default="8GB", help="shared_buffers of PostgreSQL")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=20, help="how often each question is asked")
    parser.add_argument("--folder", type=Path, help="on a disk with room; default: a temporary one")
    parser.add_argument("--json", action="store_true")
    return parser


def main() -> None:
    given = _parser().parse_args()
    console = Console(stderr=given.json)
    options = (*LOADING, f"shared_buffers={given.memory}", "maintenance_work_mem=256MB")
    with tempfile.TemporaryDirectory(prefix="sightpost-", dir=given.folder) as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # PostgreSQL does not run as root, and its folder is in this one
        try:
            machine = machine_of(folder)
            with local_postgres(folder / "postgres", options=options) as server:
                began_s = time.monotonic()
                count = loaded(given, server.url(), console)
                took_s = time.monotonic() - began_s
                answers = asyncio.run(ask_all(server.url(), folder, given.times))
                size_bytes, sighting_bytes = asyncio.run(_sizes(server.url()))
        except (NotOnDisk, PostgresMissing) as error:
            raise SystemExit(f"ERROR {error}") from error
    said = {
        "sightings": count,
        "loaded_s": round(took_s, 1),
        "size_bytes": size_bytes,
        "bytes_a_sighting": round(sighting_bytes / count),
    }
    if given.json:
        print(json.dumps([asdict(machine), said, *map(asdict, answers)], indent=1))
    else:
        console.print(table_of(answers))
        console.print(f"{machine}; {said}")
    raise SystemExit(0 if all(each.is_in_time for each in answers) else 1)


if __name__ == "__main__":
    main()
