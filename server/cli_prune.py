"""`python -m server prune`: shows what is old, gives it up, says what was done."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import apsw
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from server.errors import PruneRefused
from server.storage.pruning import Ages, Extent, Freed, ages_of, measure, prune

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


def run_prune(
    database: Path, pictures: Path, *, older_than: str, keep_ids: str, dry_run: bool
) -> None:
    """Shows what is old; without `dry_run` also gives it up. Raises PruneRefused."""
    rows, ids = _duration("--older-than", older_than), _duration("--keep-ids", keep_ids)
    if ids < rows:
        raise PruneRefused(
            f"--keep-ids {keep_ids} is shorter than --older-than {older_than}: a late duplicate of "
            "a row that is still here would be stored again; write a longer one"
        )
    ages = ages_of(datetime.now(UTC), rows_older_than=rows, ids_older_than=ids)
    console = Console()
    try:
        before = measure(database, pictures, ages)
        _show(console, before, ages)
        if dry_run:
            console.print("Nothing was changed (--dry-run).")
        elif not before.steps:
            console.print("Nothing to do.")
        else:
            _say(console, before, _prune_visibly(console, database, pictures, ages, before.steps))
    except apsw.BusyError as error:
        raise PruneRefused(
            f"{database} is locked by another program for long: {error}; what was done stays done, "
            "run it again"
        ) from error
    except (apsw.Error, OSError) as error:
        raise PruneRefused(f"{database} cannot be pruned: {error}") from error


def _duration(option: str, text: str) -> timedelta:
    found = _DURATION.fullmatch(text.strip())
    days = int(found[1]) * _UNIT_DAYS[found[2]] if found else 0
    if not 1 <= days <= 100 * 365:
        raise PruneRefused(f"{option} {text}: expected a time such as 30d, 8w or 1y, at least 1d")
    return timedelta(days=days)


def _prune_visibly(
    console: Console, database: Path, pictures: Path, ages: Ages, steps: int
) -> Freed:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("giving up", total=steps)
        return prune(database, pictures, ages, report=lambda count: progress.advance(task, count))


def _show(console: Console, extent: Extent, ages: Ages) -> None:
    table = Table("what", "how many", "size", title=f"Older than {ages.rows_before} (UTC)")
    for name, count in extent.rows.items():
        table.add_row(name, f"{count:,}", "")
    table.add_row("all rows", f"{sum(extent.rows.values()):,}", _megabytes(extent.row_bytes))
    table.add_row("days of pictures", f"{extent.picture_files:,}", _megabytes(extent.picture_bytes))
    table.add_row(f"ids from before {ages.ids_before}", f"{extent.ids:,}", "")
    console.print(table)


def _say(console: Console, before: Extent, freed: Freed) -> None:
    gone = freed.gone
    console.print(
        f"Gone: {sum(gone.rows.values()):,} rows, {gone.picture_files:,} days of pictures "
        f"({_megabytes(gone.picture_bytes)}), {gone.ids:,} ids."
    )
    freed_text = _megabytes(freed.database_bytes)
    if freed.is_shrunk:
        console.print(f"The database file is {freed_text} smaller.")
    else:
        console.print(
            f"The database file will be {freed_text} smaller when the running server has stored "
            "its next rows."
        )
    if before.ids == 0:
        console.print("Ids of the rows that went are kept: a late duplicate stays out.")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
