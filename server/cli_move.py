"""`python -m server migrate-store`: moves rows from SQLite to PostgreSQL, and proves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from server.cli_progress import counted_progress
from server.config import ServerSettings
from server.errors import MoveFailed, StartRefused
from server.faces.older_index import drop_older_index
from server.storage.adoption import prepare_database
from server.storage.lock import DatabaseLock
from server.storage.postgres import moving, seats
from server.storage.postgres.connection import LONG_ANSWER_S, opened, place_of
from server.storage.postgres.failures import storage_errors
from server.storage.postgres.preparing import prepare_database as prepare_postgres

Source = Annotated[str, typer.Argument(help="sqlite:PATH, such as sqlite:db/websocket_server.db")]
Target = Annotated[
    str,
    typer.Argument(
        help="postgresql://USER@HOST/DATABASE, an empty database. Default: SERVER_DATABASE_URL, "
        "which keeps the password out of the list of processes.",
        show_default=False,
    ),
]
_SQLITE: Final = "sqlite:"


def migrate_store(source: Source, target: Target = "") -> None:
    """Move everything from SQLite into PostgreSQL. No server may run meanwhile; it may be broken
    off and run again. Rows, accounts, enrolled faces and watchlists move; the SQLite file stays as
    it is."""
    path = _path_of(source)
    settings = ServerSettings.load(db_path=path, database_url=_url_of(target))
    if not settings.uses_postgres:
        raise StartRefused(
            "there is no TARGET: write SERVER_DATABASE_URL=postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    with DatabaseLock(path):
        prepare_database(path, zone_of=settings.zone_of, now=datetime.now(UTC))
        drop_older_index(path)  # nobody looks for it there any more
        asyncio.run(_move(path, settings.database_url.get_secret_value()))


def _path_of(source: str) -> Path:
    path = Path(source.removeprefix(_SQLITE))
    if not source.startswith(_SQLITE):
        raise StartRefused(f"SOURCE {source}: expected sqlite:PATH, such as sqlite:{path}")
    if not path.is_file():
        raise StartRefused(f"SOURCE {source}: there is no such file")
    return path


def _url_of(target: str) -> str | None:
    if target and not target.startswith(("postgresql://", "postgres://")):
        raise StartRefused("TARGET: expected postgresql://USER:PASSWORD@HOST/DATABASE")
    return target or None


async def _move(path: Path, url: str) -> None:
    now, console = datetime.now(UTC), Console()
    await prepare_postgres(url, now=now)
    async with seats.alone(url):
        target = await opened(url, answer_s=LONG_ANSWER_S)
        try:
            with storage_errors(), counted_progress(console) as progress:
                there = moving.rows_to_move(path)
                done = await moving.begin(target)
                task = progress.add_task("moving", total=sum(there.values()))
                progress.advance(task, sum(done.values()))
                await moving.move(
                    path, target, now=now, report=lambda count: progress.advance(task, count)
                )
                task = progress.add_task("comparing", total=sum(there.values()))
                found = await moving.compare(
                    path, target, report=lambda count: progress.advance(task, count)
                )
            _show(console, found)
            if not all(each.is_equal for each in found):
                raise MoveFailed(
                    f"{place_of(url)} is not equal to {path}: do not use it; make an empty "
                    "database and move again"
                )
            await moving.finish(target)
        finally:
            await target.close()
    console.print(
        f"All rows are in {place_of(url)}, equal on both sides. With SERVER_DATABASE_URL set so, "
        f"start the servers, with the same SERVER_FACE_KEY_FILE where there is one. Pictures and "
        f"{path} stay where they are; people sign in again."
    )


def _show(console: Console, found: list[moving.Moved]) -> None:
    table = Table("table", "rows", "checksum", "")
    for each in found:
        rows = f"{each.source_rows:,}"
        if each.target_rows != each.source_rows:
            rows += f" / {each.target_rows:,}"
        equal = "equal" if each.is_equal else "NOT EQUAL"
        table.add_row(each.table, rows, each.target_checksum[:12], equal)
    console.print(table)
