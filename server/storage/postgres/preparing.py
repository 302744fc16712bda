"""Brings a PostgreSQL database to this program's schema, one process at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from db.migrations import SERVER_POSTGRES, MigrationFailed, lacking
from server.errors import StartRefused
from server.storage.postgres.connection import (
    LEAST_VERSION,
    LONG_ANSWER_S,
    Connection,
    opened,
    place_of,
)
from server.storage.postgres.partitions import (
    PARTITIONED,
    make_partition,
    months_around,
    partitions_of,
)
from server.storage.postgres.seats import refuse_beside_servers

_SCHEMA_LOCK: Final = 0x53504F5354
"""Of advisory locks: who changes tables. Any number that nobody else uses ("SPOST")."""
_TURN_WAIT: Final = f"{LONG_ANSWER_S:g}s"
"""For another process that changes tables: who is refused meanwhile would stop it (--workers)."""
_LOCK_WAIT: Final = "60s"
_BRIEF_WAIT: Final = "5s"
_BRIEF_WORK: Final = "15s"
"""What a partition may take: rows of its month move over, and all among the others are looked
through, while those who read them wait."""
_LATER: Final = (
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
    asyncpg.CheckViolationError,  # a row of the month came while its partition was made
)
_VERSIONS: Final = (
    "CREATE TABLE IF NOT EXISTS sightpost_schema "
    "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL)"
)

_log = structlog.get_logger(__name__)


async def prepare_database(url: str, *, now: datetime) -> tuple[str, ...]:
    """The steps that were applied. Processes that start together wait for each other.

    Raises StartRefused, with the database as it was.
    """
    connection = await opened(url, answer_s=LONG_ANSWER_S)
    try:
        await _check_server(connection, url)
        async with schema_alone(connection):
            steps = await _migrate(connection, url)
            await _make_partitions(connection, now)
        return steps
    except MigrationFailed as error:
        raise StartRefused(f"{place_of(url)}: {error}") from error
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        raise StartRefused(
            f"{place_of(url)} cannot be brought to this version: {error}; "
            "nothing was changed by the step that failed"
        ) from error
    finally:
        await connection.close()


async def keep_months(connection: Connection, *, now: datetime) -> None:
    """Makes the partitions that are missing ahead. Cheap where there are all; may be repeated."""
    async with schema_alone(connection):
        await _make_partitions(connection, now)


@asynccontextmanager
async def schema_alone(connection: Connection) -> AsyncIterator[None]:
    """Nobody else changes tables meanwhile; waits for whoever does."""
    await connection.execute(f"SET lock_timeout = '{_TURN_WAIT}'")
    await connection.execute("SELECT pg_advisory_lock($1)", _SCHEMA_LOCK)
    try:
        await connection.execute(f"SET lock_timeout = '{_LOCK_WAIT}'")
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _SCHEMA_LOCK)
            await connection.execute("RESET lock_timeout")


async def _check_server(connection: Connection, url: str) -> None:
    version = connection.get_server_version()
    if version.major < LEAST_VERSION:
        raise StartRefused(
            f"{place_of(url)} is PostgreSQL {version.major}: expected {LEAST_VERSION} or newer"
        )
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise StartRefused(
            f"{place_of(url)} keeps texts as {encoding}, which has no Thai: make the database anew "
            "with createdb --encoding=UTF8 --template=template0"
        )
    if await connection.fetchval("SHOW synchronous_commit") == "off":
        raise StartRefused(
            f"{place_of(url)} has synchronous_commit off: a power cut takes rows that cameras were "
            "told are there; ALTER DATABASE ... SET synchronous_commit = on"
        )
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise StartRefused(
            f"{place_of(url)} is a standby, which only reads: write the address of the primary"
        )


async def _migrate(connection: Connection, url: str) -> tuple[str, ...]:
    async with connection.transaction():
        await _check_ours(connection, url)
        await connection.execute(_VERSIONS)
        have = await connection.fetchval("SELECT coalesce(max(number), 0) FROM sightpost_schema")
        steps = lacking(have, SERVER_POSTGRES, place="the database")
        if have and steps:
            await refuse_beside_servers(connection, url)
        for step in steps:
            try:
                await connection.execute(step.sql)
            except asyncpg.PostgresError as error:
                raise MigrationFailed(
                    f"step {step.name} failed, nothing was changed: {error}"
                ) from error
            await connection.execute(
                "INSERT INTO sightpost_schema VALUES ($1, $2, now())", step.number, step.name
            )
    return tuple(step.name for step in steps)


async def _check_ours(connection: Connection, url: str) -> None:
    found = await connection.fetch(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = current_schema() AND to_regclass('sightpost_schema') IS NULL "
        "ORDER BY table_name LIMIT 5"
    )
    if found:
        names = ", ".join(row["table_name"] for row in found)
        raise StartRefused(
            f"{place_of(url)} is another program's database (tables {names}): "
            "make one for Sightpost alone, with createdb"
        )


async def _make_partitions(connection: Connection, now: datetime) -> None:
    """Others read and write meanwhile. What cannot be made now is made another time: until then the
    month's rows are among the others."""
    for table in PARTITIONED:
        there = await partitions_of(connection, table)
        for month in months_around(now):
            if month in there:
                continue
            try:
                async with connection.transaction():
                    await connection.execute(
                        f"SET LOCAL lock_timeout = '{_BRIEF_WAIT}'; "
                        f"SET LOCAL statement_timeout = '{_BRIEF_WORK}'"
                    )
                    await make_partition(connection, table, month)
            except _LATER as error:
                _log.warning("a partition is made later", table=table, reason=str(error))
                break
