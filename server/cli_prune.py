"""`python -m server prune`: shows what is old, gives it up, says what was done."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Protocol, TypeVar

import apsw
import typer
from rich.console import Console
from rich.table import Table

from server.cli_database import now_utc
from server.cli_progress import counted_progress
from server.config import ServerSettings
from server.errors import GroupRefused, PruneRefused, StorageUnavailable
from server.keeping import open_picture_store
from server.storage.picture_stores.contract import PictureStore
from server.storage.postgres import seats
from server.storage.postgres.connection import Connection, opened
from server.storage.postgres.failures import storage_errors
from server.storage.postgres.preparing import prepare_database as prepare_postgres
from server.storage.postgres.pruning import measure as measure_postgres
from server.storage.postgres.pruning import prune as prune_postgres
from server.storage.pruning import Ages, Extent, Freed, Report, ages_of, measure, prune

_T = TypeVar("_T")

_UNIT_DAYS: Final = {"d": 1, "w": 7, "y": 365}
_DURATION: Final = re.compile(r"(\d{1,5})([dwy])", re.ASCII)

OlderThan = Annotated[
    str | None,
    typer.Option(
        help="Rows and pictures that arrived longer ago than this go: 30d, 8w, 1y. "
        "Counted in whole days of UTC. Default: SERVER_RETENTION_DAYS.",
        show_default=False,
    ),
]
KeepIds = Annotated[
    str,
    typer.Option(
        help="Ids of rows are kept so much longer, for a camera that sends one again late: it must "
        "be longer than any camera can hold a row."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")]


class Prunable(Protocol):
    """Where rows and pictures are. Both methods raise PruneRefused."""

    def measure(self, ages: Ages) -> Extent: ...

    def prune(self, ages: Ages, report: Report) -> Freed: ...

    def say_freed(self, freed: Freed) -> str:
        """What became of the room that rows had."""
        ...


@dataclass(frozen=True, slots=True)
class InSqlite:
    """A database file of this program's version, and the folder of its pictures."""

    database: Path
    pictures: Path

    def measure(self, ages: Ages) -> Extent:
        with self._refusals():
            return measure(self.database, self.pictures, ages)

    def prune(self, ages: Ages, report: Report) -> Freed:
        with self._refusals():
            return prune(self.database, self.pictures, ages, report=report)

    def say_freed(self, freed: Freed) -> str:
        size = _megabytes(freed.database_bytes)
        if freed.is_shrunk:
            return f"The database file is {size} smaller."
        return (
            f"The database file will be {size} smaller when the running server has stored its next "
            "rows."
        )

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except apsw.BusyError as error:
            raise PruneRefused(
                f"{self.database} is locked by another program for long: {error}; what was done "
                "stays done, run it again"
            ) from error
        except (apsw.Error, OSError) as error:
            raise PruneRefused(f"{self.database} cannot be pruned: {error}") from error


@dataclass(frozen=True, slots=True)
class InPostgres:
    """The database of SERVER_DATABASE_URL and the pictures of SERVER_IMAGE_STORE."""

    settings: ServerSettings

    def measure(self, ages: Ages) -> Extent:
        return asyncio.run(self._done(lambda held, store: measure_postgres(held, store, ages)))

    def prune(self, ages: Ages, report: Report) -> Freed:
        return asyncio.run(
            self._done(
                lambda held, store: prune_postgres(held, store, ages, now=now_utc(), report=report)
            )
        )

    def say_freed(self, freed: Freed) -> str:
        return (
            f"The database is {_megabytes(freed.database_bytes)} smaller by the months that went "
            "as a whole; the room of other rows is filled again by new ones."
        )

    async def _done(self, work: Callable[[Connection, PictureStore], Awaitable[_T]]) -> _T:
        url = self.settings.database_url.get_secret_value()
        await prepare_postgres(url, now=now_utc())
        try:
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(seats.pruning(url))
                store = await asyncio.to_thread(
                    open_picture_store, self.settings, self.settings.image_store
                )
                stack.callback(store.close)
                connection = await opened(url)
                stack.push_async_callback(connection.close)
                with storage_errors():
                    return await work(connection, store)
        except (StorageUnavailable, GroupRefused) as error:
            raise PruneRefused(
                f"{self.settings.database_place} cannot be pruned: {error}; what was done stays "
                "done, run it again"
            ) from error


def run_prune(place: Prunable, *, older_than: str, keep_ids: str, dry_run: bool) -> None:
    """Shows what is old; without `dry_run` also gives it up. Raises PruneRefused."""
    rows, ids = _duration("--older-than", older_than), _duration("--keep-ids", keep_ids)
    if ids < rows:
        raise PruneRefused(
            f"--keep-ids {keep_ids} is shorter than --older-than {older_than}: a late duplicate of "
            "a row that is still here would be stored again; write a longer one"
        )
    ages = ages_of(now_utc(), rows_older_than=rows, ids_older_than=ids)
    console = Console()
    before = place.measure(ages)
    _show(console, before, ages)
    if dry_run:
        console.print("Nothing was changed (--dry-run).")
    elif not before.steps:
        console.print("Nothing to do.")
    else:
        freed = _prune_visibly(console, place, ages, before.steps)
        _say(console, before, freed.gone, place.say_freed(freed))


def _duration(option: str, text: str) -> timedelta:
    found = _DURATION.fullmatch(text.strip())
    days = int(found[1]) * _UNIT_DAYS[found[2]] if found else 0
    if not 1 <= days <= 100 * 365:
        raise PruneRefused(f"{option} {text}: expected a time such as 30d, 8w or 1y, at least 1d")
    return timedelta(days=days)


def _prune_visibly(console: Console, place: Prunable, ages: Ages, steps: int) -> Freed:
    with counted_progress(console, transient=True) as progress:
        task = progress.add_task("giving up", total=steps)
        return place.prune(ages, lambda count: progress.advance(task, count))


def _show(console: Console, extent: Extent, ages: Ages) -> None:
    table = Table("what", "how many", "size", title=f"Older than {ages.rows_before} (UTC)")
    for name, count in extent.rows.items():
        table.add_row(name, f"{count:,}", "")
    table.add_row("all rows", f"{sum(extent.rows.values()):,}", _megabytes(extent.row_bytes))
    table.add_row("days of pictures", f"{extent.picture_files:,}", _megabytes(extent.picture_bytes))
    table.add_row(f"ids from before {ages.ids_before}", f"{extent.ids:,}", "")
    console.print(table)


def _say(console: Console, before: Extent, gone: Extent, freed: str) -> None:
    console.print(
        f"Gone: {sum(gone.rows.values()):,} rows, {gone.picture_files:,} days of pictures "
        f"({_megabytes(gone.picture_bytes)}), {gone.ids:,} ids."
    )
    console.print(freed)
    if before.ids == 0:
        console.print("Ids of the rows that went are kept: a late duplicate stays out.")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
