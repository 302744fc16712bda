"""Months of a centre, and how soon its pages have their data: python -m benchmarks.load_history.

Sightings, health and evictions go in by the server's own store; then each question of the pages is
asked many times. Exit 1 where one took longer than it may.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.history import History, Plan, groups
from benchmarks.machine import Machine, NotOnDisk, machine_of
from server.ingest.writer import GROUP_ROWS
from server.storage.adoption import prepare_database
from server.storage.cameras import StoredCameras
from server.storage.data_overview import SqliteDataOverview
from server.storage.pictures import PictureArchive
from server.storage.reader_pool import ReaderPool
from server.storage.reading.cameras import StateRule
from server.storage.reading.sightings import Matching, Order, SightingFilter
from server.storage.sightings import StoredSightings
from server.storage.sqlite import SqliteStore

UNTIL: Final = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
PAGE_MS: Final = 300.0
SEARCH_MS: Final = 200.0
_DAY: Final = timedelta(days=1)

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that a page asks; `limit_ms` for its median."""

    page: str
    name: str
    ask: Ask
    limit_ms: float = PAGE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How long it took: the first time, and of all times median and 95th percentile."""

    page: str
    name: str
    first_ms: float
    p50_ms: float
    p95_ms: float
    limit_ms: float

    @property
    def is_in_time(self) -> bool:
        return self.p50_ms <= self.limit_ms


async def load(folder: Path, plan: Plan, step: Callable[[], None]) -> int:
    """A database with that history in `folder`; how many rows it has."""
    database = folder / "websocket_server.db"
    prepare_database(database, zone_of=lambda _: UTC, now=UNTIL)
    store = SqliteStore(database, folder / "pictures")
    count = 0
    for at, rows in History(plan).hours():
        for group in groups(rows, GROUP_ROWS):
            await store.commit_group(group, at)
        count += len(rows)
        step()
    await store.close()
    return count


async def ask_all(folder: Path, times: int) -> list[Answer]:
    """Every question of the pages, each `times` times, one after the other."""
    database, pictures = folder / "websocket_server.db", folder / "pictures"
    pool, archive = ReaderPool(database), PictureArchive(pictures, read_only=True)
    sightings, cameras = StoredSightings(pool, archive), StoredCameras(pool, StateRule())
    data = SqliteDataOverview(pool, database, pictures, retention_days=0)
    try:
        asked = [
            *await of_sightings(sightings),
            *await of_cameras(cameras),
            Question(page="Data", name="sizes", ask=data.sizes),
            Question(
                page="Data",
                name="server_stats of a day",
                ask=lambda: data.stats(since=UNTIL - _DAY, until=UNTIL),
            ),
        ]
        return [await timed(question, times) for question in asked]
    finally:
        pool.close()
        archive.close()


async def of_sightings(sightings: StoredSightings) -> list[Question]:
    latest = (await sightings.page(SightingFilter())).cards
    plate = next(card.plate for card in latest if card.region == "eu")
    thai = next(card.plate for card in latest if card.region == "th")
    pictured = (await sightings.page(SightingFilter(has_picture=True), limit=1)).cards

    def page(name: str, order: Order = Order.NEWEST, **chosen: object) -> Question:
        wanted = SightingFilter(**chosen)  # type: ignore[arg-type]
        return Question(
            page="Sightings",
            name=name,
            ask=lambda: sightings.page(wanted, order=order),
            limit_ms=SEARCH_MS,
        )

    best = Order.LIKELIEST
    return [
        Question(page="Overview", name="latest", ask=lambda: sightings.page(SightingFilter())),
        Question(
            page="Overview", name="an hour by minute", ask=lambda: sightings.per_minute(until=UNTIL)
        ),
        Question(
            page="Overview",
            name="a day by minute",
            ask=lambda: sightings.per_minute(until=UNTIL, minutes=1440),
        ),
        page("a plate", best, plate=plate),
        page("a plate, exactly", best, plate=plate, matching=Matching.EXACT),
        page("a Thai plate", best, plate=thai),
        page("begins with three", best, plate=f"{thai[:3]}*"),
        page("begins with one", best, plate=f"{plate[:1]}*"),
        page("ends with four", best, plate=f"*{thai[-4:]}"),
        page("ends with what is nowhere", plate="*XXXXX"),
        page("has three in it", best, plate=f"*{plate[2:5]}*"),
        page("a region", regions=("br",)),
        page("a region that is nowhere", regions=("xx",)),
        page("a region, hardly sure", regions=("th",), most_percent=40.0),
        page("a day two weeks ago", since=UNTIL - 14 * _DAY, until=UNTIL - 13 * _DAY),
        page("a camera", device_ids=("gate-040",)),
        page("a camera, ends with two", best, device_ids=("gate-001",), plate="*34"),
        page("twenty cameras", device_ids=tuple(f"gate-{n:03}" for n in range(1, 21))),
        page("corrected ones", is_corrected=True),
        Question(
            page="Sightings", name="count, all", ask=lambda: sightings.count(SightingFilter())
        ),
        Question(
            page="Sightings",
            name="count, ends with two",
            ask=lambda: sightings.count(SightingFilter(plate="*34")),
        ),
        Question(page="Sightings", name="one in full", ask=lambda: sightings.detail(latest[0].id)),
        *(
            Question(
                page="Sightings", name="its picture", ask=lambda: sightings.picture(pictured[0].id)
            )
            for _ in pictured
        ),
    ]


async def of_cameras(cameras: StoredCameras) -> list[Question]:
    name = "gate-001"

    def health(days: int) -> Ask:
        return lambda: cameras.health(name, since=UNTIL - days * _DAY, until=UNTIL)

    def books(days: int) -> Ask:
        return lambda: cameras.books(name, until=UNTIL.date(), days=days)

    return [
        Question(page="Overview", name="board", ask=lambda: cameras.board(now=UNTIL, connected=())),
        Question(
            page="Camera", name="one", ask=lambda: cameras.camera(name, now=UNTIL, connected=())
        ),
        Question(page="Camera", name="health, a day", ask=health(1)),
        Question(page="Camera", name="health, 31 days", ask=health(31)),
        Question(page="Camera", name="books, 7 days", ask=books(7)),
        Question(page="Camera", name="books, 31 days", ask=books(31)),
    ]


async def timed(question: Question, times: int) -> Answer:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await question.ask()
        took.append((time.perf_counter() - began) * 1000)
    return Answer(
        page=question.page,
        name=question.name,
        first_ms=round(took[0], 1),
        p50_ms=round(statistics.median(took), 1),
        p95_ms=round(statistics.quantiles(took, n=20)[-1], 1),
        limit_ms=question.limit_ms,
    )


def table_of(answers: Sequence[Answer]) -> Table:
    table = Table("page", "question", "first", "median", "95%", "may take", title="milliseconds")
    for each in answers:
        mark = "" if each.is_in_time else " TOO LONG"
        table.add_row(
            each.page,
            each.name,
            f"{each.first_ms:.1f}",
            f"{each.p50_ms:.1f}{mark}",
            f"{each.p95_ms:.1f}",
            f"{each.limit_ms:.0f}",
        )
    return table


def _show(console: Console, answers: Sequence[Answer], machine: Machine, size_bytes: int) -> None:
    console.print(table_of(answers))
    console.print(
        f"{size_bytes / 1e9:.2f} GB of database on {machine.file_system}; {machine.processor}, "
        f"{machine.cores} cores; SQLite {machine.sqlite}, Python {machine.python}; "
        f"{machine.measured_at}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load_history", description=__doc__)
    parser.add_argument("--sightings", type=int, default=1_000_000)
    parser.add_argument("--cameras", type=int, default=40)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--health-days", type=int, default=3)
    parser.add_argument("--pictures", type=float, default=0.01, help="share of sightings with one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=20, help="how often each question is asked")
    parser.add_argument(
        "--folder", type=Path, help="made and kept, and asked again where it is there already"
    )
    parser.add_argument("--json", action="store_true")
    return parser


async def _run(given: argparse.Namespace, folder: Path, console: Console) -> list[Answer]:
    plan = Plan(
        sightings=given.sightings,
        cameras=given.cameras,
        days=given.days,
        until=UNTIL,
        pictures=given.pictures,
        health_days=given.health_days,
        seed=given.seed,
    )
    if not (folder / "websocket_server.db").exists():
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("loading", total=24 * plan.days)
            began = time.monotonic()
            rows = await load(folder, plan, lambda: progress.advance(task))
        console.print(f"{rows:,} rows loaded in {time.monotonic() - began:.0f} s")
    return await ask_all(folder, given.times)


def main() -> None:
    given = _parser().parse_args()
    console = Console(stderr=given.json)
    with tempfile.TemporaryDirectory(prefix="sightpost-") as temporary:
        folder: Path = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            machine = machine_of(folder)
        except NotOnDisk as error:
            raise SystemExit(f"ERROR {error}") from error
        answers = asyncio.run(_run(given, folder, console))
        size_bytes = (folder / "websocket_server.db").stat().st_size
    if given.json:
        print(json.dumps([asdict(machine), *map(asdict, answers)], indent=1))
    else:
        _show(console, answers, machine, size_bytes)
    raise SystemExit(0 if all(each.is_in_time for each in answers) else 1)


if __name__ == "__main__":
    main()
