"""Small writes of which a power cut may take the last ones: they do not wait for the disk.

Each is within the transaction of `written`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from server.analytics.work import Work
from server.storage.greeting import HELD, greeted
from server.storage.postgres.connection import Connection
from server.storage.protocol import ServerStats
from server.storage.runs import MOST_RUNS
from server.storage.service_minutes import KEPT, encoded
from server.storage.times import stamp, text_of
from wire.v1 import Hello

_NOTE_RUN: Final = (
    "INSERT INTO server_runs (name, first_greeting_at) SELECT $1, $2 "
    "WHERE NOT EXISTS (SELECT 1 FROM server_runs WHERE name = $1) RETURNING number"
)
_STATS: Final = (
    "INSERT INTO server_stats (run, timestamp, total_connections, active_connections, "
    "messages_received, messages_processed, errors) VALUES ($1, $2, $3, $4, $5, $6, $7)"
)
_MINUTES: Final = (
    "INSERT INTO service_minutes (service, minute, run, seconds, requests, errors, times, load) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (service, minute, run) DO UPDATE SET "
    "seconds = excluded.seconds, requests = excluded.requests, errors = excluded.errors, "
    "times = excluded.times, load = excluded.load"
)


@asynccontextmanager
async def written(connection: Connection) -> AsyncIterator[None]:
    """A transaction that is there at once and on the disk within a second."""
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")
        yield


async def greet(connection: Connection, hello: Hello, now: datetime) -> None:
    """Notes what the camera said of itself."""
    steps = greeted(hello, now)
    with suppress(StopIteration):
        sql, values = next(steps)
        while True:
            sql, values = steps.send(await connection.fetchrow(sql, *values))


async def held(connection: Connection, device_id: str, epoch: str) -> tuple[int, int]:
    """The last sequence of a device's epoch, and how many of its rows were ever stored; or 0."""
    found = await connection.fetchrow(HELD, device_id, epoch)
    return (int(found[0]), int(found[1])) if found else (0, 0)


async def note_run(connection: Connection, name: str, now: datetime) -> None:
    """Enters the run, once; forgets the oldest beyond `MOST_RUNS`."""
    number = await connection.fetchval(_NOTE_RUN, name, text_of(now))
    if number is not None:
        await connection.execute("DELETE FROM server_runs WHERE number <= $1", number - MOST_RUNS)


async def first_known(connection: Connection, names: Sequence[str]) -> str | None:
    """The first of these runs that the database has seen, None where it has seen none."""
    rows = await connection.fetch("SELECT name FROM server_runs WHERE name = ANY($1)", names)
    known = {str(name) for (name,) in rows}
    return next((name for name in names if name in known), None)


async def note_token_use(connection: Connection, names: Collection[str], now: datetime) -> None:
    """In the order of the names, so that processes that note the same do not lock each other."""
    for name in sorted(names):
        await connection.execute(
            "UPDATE device_tokens SET last_used_at = $1 WHERE name = $2", stamp(now), name
        )


async def record_stats(connection: Connection, run: str, stats: ServerStats, now: datetime) -> None:
    await connection.execute(
        _STATS,
        run,
        text_of(now),
        stats.total_connections,
        stats.active_connections,
        stats.messages_received,
        stats.messages_processed,
        stats.errors,
    )


async def keep_minutes(connection: Connection, run: str, works: Mapping[str, Work]) -> None:
    """A minute that is there is written over; those before `KEPT` go."""
    for service, work in sorted(works.items()):
        await connection.execute(
            _MINUTES,
            service,
            int(work.at.timestamp()),
            run,
            work.seconds,
            work.requests,
            work.errors,
            None if work.times is None else encoded(work.times),
            work.load,
        )
    newest = max((work.at for work in works.values()), default=None)
    if newest is not None:
        oldest_s = int((newest - KEPT).timestamp())
        await connection.execute("DELETE FROM service_minutes WHERE minute < $1", oldest_s)
