"""`python -m server pictures`: what is kept where, copied and swept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterator
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from server.cli_database import now_utc
from server.cli_fail import fail
from server.cli_progress import counted_progress
from server.config import ServerSettings
from server.errors import StartRefused
from server.keeping import open_picture_store
from server.setting_values import is_picture_address
from server.storage.picture_stores.contract import PictureStore
from server.storage.picture_stores.copying import Copied, copy, count
from server.storage.picture_stores.sweeping import days_to_sweep, sweep
from server.storage.postgres.pictures import pictures_with_row
from server.storage.postgres.pool import acquired, opened_pool
from server.storage.postgres.seats import refuse_half_moved

pictures_app = typer.Typer(
    help="Pictures: where they are kept, and moved to.", no_args_is_help=True
)

FromStore = Annotated[
    str,
    typer.Argument(
        help="s3://BUCKET/PREFIX, file:///FOLDER, or daily: for the files beside the database."
    ),
]


@pictures_app.command("list")
def list_days() -> None:
    """Say how many pictures there are of each day, and their size."""
    settings = ServerSettings.load()
    with _opened(settings, settings.image_store) as store:
        days = store.days()
        if not days:
            typer.echo(f"There are no pictures in {settings.picture_place}.")
            return
        table = Table("day", "pictures", "MB", title=settings.picture_place)
        for day in days:
            sizes = [each.size_bytes for batch in store.held(day) for each in batch]
            table.add_row(day.isoformat(), f"{len(sizes):,}", f"{sum(sizes) / 1e6:,.1f}")
        Console().print(table)


@pictures_app.command("copy")
def copy_pictures(source: FromStore) -> None:
    """Copy all pictures from SOURCE into SERVER_IMAGE_STORE. May be broken off and run again.

    The source is only read. Servers may run meanwhile.
    """
    settings = ServerSettings.load()
    if source.removeprefix("daily:") == settings.image_store:
        fail(f"{source}: that is where SERVER_IMAGE_STORE is: name the other one")
    with (
        _opened(settings, source.removeprefix("daily:")) as old,
        _opened(settings, settings.image_store) as new,
    ):
        days = old.days()
        with counted_progress(Console()) as progress:
            task = progress.add_task("copying", total=count(old, days))
            done = asyncio.run(
                copy(old, new, days, report=lambda number: progress.advance(task, number))
            )
    _tell(done, settings)


@pictures_app.command("sweep")
def sweep_pictures() -> None:
    """Give up pictures of the last complete days that no row names. A crash can leave some.

    Not before rows and pictures of an older database are all moved.
    """
    settings = ServerSettings.load()
    if not settings.uses_postgres:
        fail("rows are in SQLite, whose pictures 'prune' sees to: nothing was changed")
    with _opened(settings, settings.image_store) as store:
        gone = asyncio.run(_sweep(settings, store))
    typer.echo(f"{gone} pictures that no row names are gone from {settings.picture_place}.")


async def _sweep(settings: ServerSettings, store: PictureStore) -> int:
    url = settings.database_url.get_secret_value()
    async with opened_pool(url, connections=1) as pool:
        async with acquired(pool) as connection:
            await refuse_half_moved(connection, url)

        async def named(day: date, sha256s: Collection[str]) -> Collection[str]:
            async with acquired(pool) as connection:
                return await pictures_with_row(connection, day, sha256s)

        return sum([await sweep(store, day, named) for day in days_to_sweep(now_utc())])


def _tell(done: Copied, settings: ServerSettings) -> None:
    typer.echo(
        f"{done.copied:,} pictures copied into {settings.picture_place}, {done.there:,} were there."
    )
    if done.broken:
        fail(
            f"{done.broken:,} are not what their names say and were left out: the disk they are on "
            "may be failing"
        )


@contextlib.contextmanager
def _opened(settings: ServerSettings, address: str) -> Iterator[PictureStore]:
    if address and not is_picture_address(address):
        raise StartRefused(f"{address}: expected s3://BUCKET/PREFIX, file:///FOLDER or daily:")
    store = open_picture_store(settings, address)
    try:
        yield store
    finally:
        store.close()
