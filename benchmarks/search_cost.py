"""What the search costs each row that comes in: `python -m benchmarks.search_cost`.

The same groups of rows go through the server's own store into two databases in turn, one with the
search's computed column and indexes (0003_search.sql), one without, and each commit is timed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import apsw

from benchmarks.history import History, Plan, groups
from benchmarks.machine import Machine, NotOnDisk, machine_of
from db.migrations import SERVER_SQLITE, migrate
from server.storage.connection import open_writer
from server.storage.sqlite import SqliteStore

SEARCH_STEP: Final = "0003_search.sql"
BOOKS_STEP: Final = "0007_where_epochs_begin.sql"
"""Of the steps after the search's, the one without which no row is stored."""
_UNTIL: Final = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Microseconds a row, of the median commit: until it is on the disk, and of the processor."""

    median_us: float
    cpu_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The ratios are medians, over pairs of commits of the same rows, of with to without."""

    machine: Machine
    rows: int
    group_rows: int
    pictures: float
    with_search: Side
    without: Side
    ratio: float
    cpu_ratio: float


async def measure(
    folder: Path, *, rows: int, group_rows: int, pictures: float, seed: int
) -> Result:
    """Runs the comparison in `folder`, which must be empty."""
    stores = [
        _store(folder / "with", has_search=True),
        _store(folder / "without", has_search=False),
    ]
    plan = Plan(
        sightings=rows,
        cameras=40,
        days=4,
        until=_UNTIL,
        pictures=pictures,
        health_days=0,
        seed=seed,
    )
    taken: list[list[tuple[float, float]]] = [[], []]
    number = 0
    for at, hour in History(plan).hours():
        for group in groups(hour, group_rows):
            number += 1
            for side in (0, 1) if number % 2 else (1, 0):
                began, cpu_began = time.perf_counter(), time.process_time()
                await stores[side].commit_group(group, at)
                took, cpu_took = time.perf_counter() - began, time.process_time() - cpu_began
                taken[side].append((took / len(group) * 1e6, cpu_took / len(group) * 1e6))
    for store in stores:
        await store.close()
    half = len(taken[0]) // 2  # the first half only fills the tables
    measured = [side[half:] for side in taken]
    pairs = list(zip(*measured, strict=True))
    return Result(
        machine=machine_of(folder),
        rows=rows,
        group_rows=group_rows,
        pictures=pictures,
        with_search=_side(measured[0]),
        without=_side(measured[1]),
        ratio=round(statistics.median(a / b for (a, _), (b, _) in pairs), 3),
        cpu_ratio=round(statistics.median(a / b for (_, a), (_, b) in pairs), 3),
    )


def _store(folder: Path, *, has_search: bool) -> SqliteStore:
    folder.mkdir()
    steps = folder / "steps"
    steps.mkdir()
    wanted = [
        path
        for path in sorted(SERVER_SQLITE.glob("0*.sql"))
        if path.name < SEARCH_STEP
        or path.name == BOOKS_STEP
        or (has_search and path.name == SEARCH_STEP)
    ]
    for number, path in enumerate(wanted, start=1):
        shutil.copy(path, steps / f"{number:04}{path.name[4:]}")
    connection: apsw.Connection = open_writer(folder / "server.db")
    migrate(connection, steps)
    connection.close()
    return SqliteStore(folder / "server.db", folder / "pictures")


def _side(taken: Sequence[tuple[float, float]]) -> Side:
    return Side(
        median_us=round(statistics.median(each for each, _ in taken), 1),
        cpu_us=round(statistics.median(each for _, each in taken), 1),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search_cost", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--group", type=int, default=512, help="rows a commit, at most")
    parser.add_argument("--pictures", type=float, default=0.0, help="share of rows with one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="on a disk; default: a temporary one")
    parser.add_argument("--json", action="store_true")
    return parser


def main() -> None:
    given = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="sightpost-", dir=given.folder) as folder:
        try:
            result = asyncio.run(
                measure(
                    Path(folder),
                    rows=given.rows,
                    group_rows=given.group,
                    pictures=given.pictures,
                    seed=given.seed,
                )
            )
        except NotOnDisk as error:
            raise SystemExit(f"ERROR {error}") from error
    if given.json:
        print(json.dumps(asdict(result), indent=1))
        return
    for name, side in (("with the search", result.with_search), ("without", result.without)):
        print(f"{name:16} {side.median_us:8.1f} us a row, {side.cpu_us:.1f} us of the processor")
    print(f"median of the pairs: {result.ratio:.3f}, of the processor {result.cpu_ratio:.3f}")


if __name__ == "__main__":
    main()
