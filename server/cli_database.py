"""How commands open the server's database, and how they fail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import apsw
import typer

from server.cli_fail import fail
from server.config import ServerSettings
from server.errors import StartRefused
from server.storage.access import Access, PostgresAccess, SqliteAccess
from server.storage.adoption import prepare_database
from server.storage.connection import open_second_writer, open_writer
from server.storage.lock import DatabaseLock
from server.storage.postgres.connection import (
    ANSWER_S,
    LONG_ANSWER_S,
    Connection,
    opened,
    place_of,
)
from server.storage.postgres.pool import acquired, opened_pool
from server.storage.postgres.preparing import prepare_database as prepare_postgres
from server.storage.postgres.seats import refuse_half_moved

OF_DEMO: Final = Path("demo-data/server/db/websocket_server.db")
"""Which `scripts/demo` leaves below the folder of the project."""

Database = Annotated[
    Path | None,
    typer.Option(
        "--db",
        help="The database file. Default: SERVER_DATABASE_URL, or else SERVER_DB_PATH.",
        show_default=False,
    ),
]


_T = TypeVar("_T")


def now_utc() -> datetime:
    return datetime.now(UTC)


def settings_of(db: Path | None, **given: Any) -> ServerSettings:
    """Of a command: a file that is named is meant, also where SERVER_DATABASE_URL is set."""
    return ServerSettings.load(db_path=db, database_url=None if db is None else "", **given)


@contextlib.contextmanager
def writable_database(settings: ServerSettings, *, must_exist: bool) -> Iterator[apsw.Connection]:
    """The database for a short write, beside a running server or without one."""
    path = settings.db_path
    if must_exist:
        check_there(path)
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

    async def run() -> _T:
        await prepare_postgres(settings.database_url.get_secret_value(), now=now_utc())
        async with _connected(settings, answer_s=ANSWER_S) as connection:
            return await work(connection)

    return asyncio.run(run())


def read_from_postgres(settings: ServerSettings, work: Callable[[Connection], Awaitable[_T]]) -> _T:
    """What `work` finds in the database of SERVER_DATABASE_URL as it is: it cannot write, nor is
    anything brought to this version."""

    async def run() -> _T:
        async with (
            _connected(settings, answer_s=LONG_ANSWER_S) as connection,
            connection.transaction(readonly=True),
        ):
            return await work(connection)

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def _connected(settings: ServerSettings, *, answer_s: float) -> AsyncIterator[Connection]:
    """Raises StartRefused."""
    connection = await opened(settings.database_url.get_secret_value(), answer_s=answer_s)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def opened_access(settings: ServerSettings, *, connections: int) -> AsyncIterator[Access]:
    """The database as it is, to be read beside running servers. Raises StartRefused."""
    if not settings.uses_postgres:
        check_there(settings.db_path)
        yield SqliteAccess(settings.db_path)
        return
    url = settings.database_url.get_secret_value()
    async with opened_pool(url, connections=connections) as pool:
        async with acquired(pool) as connection:
            await _check_prepared(connection, url)
        yield PostgresAccess(pool, pool)


def check_there(path: Path) -> None:
    """Ends the command where the database file is not there."""
    if not path.exists():
        hint = f"; the demonstration's is read with --db {OF_DEMO}" if OF_DEMO.exists() else ""
        fail(f"there is no database {path}: python -m server run makes it{hint}")


async def _check_prepared(connection: Connection, url: str) -> None:
    """Raises StartRefused."""
    if await connection.fetchval("SELECT to_regclass('sightpost_schema') IS NULL"):
        raise StartRefused(
            f"there is nothing of Sightpost in {place_of(url)}: python -m server run makes it"
        )
    await refuse_half_moved(connection, url)
