"""How commands open the server's database, and how they fail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import apsw
import typer

from server.cli_fail import fail
from server.config import ServerSettings
from server.storage.adoption import prepare_database
from server.storage.connection import open_second_writer, open_writer
from server.storage.lock import DatabaseLock
from server.storage.postgres.connection import Connection, opened
from server.storage.postgres.preparing import prepare_database as prepare_postgres

Database = Annotated[
    Path | None,
    typer.Option("--db", help="The database file. Default: SERVER_DB_PATH.", show_default=False),
]


_T = TypeVar("_T")


def now_utc() -> datetime:
    return datetime.now(UTC)


@contextlib.contextmanager
def writable_database(settings: ServerSettings, *, must_exist: bool) -> Iterator[apsw.Connection]:
    """The database for a short write, beside a running server or without one."""
    path = settings.db_path
    if must_exist and not path.exists():
        fail(f"there is no database {path}: python -m server run makes it")
    lock = DatabaseLock(path)
    is_ours = lock.try_acquire()
    try:
        if is_ours:
            prepare_database(path, zone_of=settings.zone_of, now=datetime.now(UTC))
        connection = open_writer(path) if is_ours else open_second_writer(path)
        try:
            yield connection
        finally:
            connection.close()
    finally:
        lock.release()


def in_postgres(settings: ServerSettings, work: Callable[[Connection], Awaitable[_T]]) -> _T:
    """What `work` returns on a connection to the migrated database of SERVER_DATABASE_URL."""
    url = settings.database_url.get_secret_value()

    async def run() -> _T:
        await prepare_postgres(url, now=now_utc())
        connection = await opened(url)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())
