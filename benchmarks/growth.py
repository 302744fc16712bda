"""Measures whether a full database slows a camera down: `python -m benchmarks.growth`.

Finding the next waiting rows, inserting one and flagging some, at 10 thousand, 1 million and
(with --large) 10 million rows, of which all but a few were acknowledged.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table as TextTable

from agent.delivery import Settlement, WaitingRow
from agent.outbox.sending import SendingStore
from benchmarks.machine import Machine, NotOnDisk, machine_of
from benchmarks.traffic import DEVICE, OneByOne, Traffic, fill, fill_acknowledged
from wire.rows import Table

SIZES: Final = (10_000, 1_000_000)
LARGE: Final = 10_000_000
WAITING: Final = 256
FLAT: Final = 2.0
_TIMES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Median and 95th percentile of one call, in microseconds."""

    p50_us: float
    p95_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What the calls took with so many rows in the database, of `bytes` on disk."""

    rows: int
    bytes: int
    find: Timing
    insert: Timing
    flag: Timing


def measure(folder: Path, rows: int, seed: int, step: Callable[[int], None]) -> Size:
    """Fills a database with acknowledged rows and a few waiting ones, then times calls on it."""
    database, images = folder / "lpr_data.db", folder / "images"
    fill_acknowledged(database, images, rows, step)
    fill(database, images, Traffic(rows=WAITING, with_pictures=False, seed=seed))
    size = database.stat().st_size
    camera = OneByOne(database, images, first=2 * WAITING, seed=seed + 1)
    store = SendingStore.open(database, images, DEVICE)
    find = _timing(lambda: _find(store))
    insert = _timing(camera.record)
    keys = iter([row.key for row in _find(store)])
    flag = _timing(lambda: store.settle(Settlement(acknowledged=[next(keys)])))
    store.close()
    camera.close()
    return Size(rows=rows, bytes=size, find=find, insert=insert, flag=flag)


def _find(store: SendingStore) -> Sequence[WaitingRow]:
    return store.waiting(Table.LPR_DETECTION, after_id=0, up_to_id=None, limit=WAITING)


def _timing(call: Callable[[], object]) -> Timing:
    spent: list[float] = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        call()
        spent.append((time.perf_counter() - started) * 1e6)
    spent.sort()
    return Timing(p50_us=statistics.median(spent), p95_us=spent[int(len(spent) * 0.95)])


def grew(sizes: Sequence[Size]) -> dict[str, float]:
    """By how much each call's median is longer with the most rows than with the fewest."""
    first, last = sizes[0], sizes[-1]
    return {
        name: getattr(last, name).p50_us / getattr(first, name).p50_us
        for name in ("find", "insert", "flag")
    }


def _print(machine: Machine, sizes: Sequence[Size], console: Console) -> None:
    table = TextTable(title=f"on {machine.file_system}, p50 (p95) in microseconds")
    for column in ("rows", "MB", f"find {WAITING} waiting", "insert one", "flag one"):
        table.add_column(column, justify="right")
    for size in sizes:
        calls = (size.find, size.insert, size.flag)
        table.add_row(
            f"{size.rows:,}",
            f"{size.bytes / 1e6:,.0f}",
            *(f"{call.p50_us:,.0f} ({call.p95_us:,.0f})" for call in calls),
        )
    console.print(table)
    for name, factor in grew(sizes).items():
        verdict = "flat" if factor <= FLAT else f"NOT flat (at most {FLAT:g} x is)"
        console.print(f"{name}: {factor:.2f} x from the fewest to the most rows, {verdict}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--large", action="store_true", help="10 million rows as well (4 GB)")
    parser.add_argument("--seed", type=int, default=1, help="of the waiting rows (1)")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="on the disk to measure; not in memory (the system's temporary folder)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit code 1 when a call grew by more than FLAT."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        machine = machine_of(options.folder)
    except NotOnDisk as error:
        parser.error(str(error))
    wanted = (*SIZES, LARGE) if options.large else SIZES
    found: list[Size] = []
    with Progress(console=Console(stderr=True)) as progress:
        filling = progress.add_task("filling", total=sum(wanted))
        for rows in wanted:
            with tempfile.TemporaryDirectory(
                prefix="sightpost-growth-", dir=options.folder
            ) as place:
                found.append(
                    measure(Path(place), rows, options.seed, lambda n: progress.advance(filling, n))
                )
    if options.json:
        sizes = [asdict(size) for size in found]
        print(json.dumps({"machine": asdict(machine), "sizes": sizes, "grew": grew(found)}))
    else:
        _print(machine, found, Console(width=120))
    if max(grew(found).values()) > FLAT:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
