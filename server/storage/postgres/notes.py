"""Small writes of which a power cut may take the last ones: they do not wait for the disk.

Each is within the transaction of `written`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from server.analytics.work import Work
from server.storage.postgres.connection import Connection
from server.storage.protocol import ServerStats
from server.storage.runs import MOST_RUNS
from server.storage.service_minutes import KEPT, encoded
from server.storage.times import stamp, text_of
from wire.v1 import Hello

_GREET: Final = """
INSERT INTO cameras (device_id, hostname, checkpoint_id, agent_version, first_seen, last_seen,
                     epoch, clock_offset_s, clock_state, waiting_rows)
VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9)
ON CONFLICT (device_id) DO UPDATE SET
    hostname = excluded.hostname, checkpoint_id = excluded.checkpoint_id,
    agent_version = excluded.agent_version, last_seen = excluded.last_seen,
    epoch = excluded.epoch, clock_offset_s = excluded.clock_offset_s,
    clock_state = excluded.clock_state, waiting_rows = excluded.waiting_rows
"""
_STORED_BEFORE: Final = " + ".join(
    f"(SELECT count(*) FROM {table} WHERE device_id = $1 AND epoch = $2 AND sequence <= $3)"  # noqa: S608 (our own names)
    for table in ("lpr_detections", "health_monitors", "face_detections", "evictions")
)
_BEGINNING: Final = (
    "SELECT begins_after FROM camera_epochs "
    "WHERE camera = (SELECT id FROM cameras WHERE device_id = $1) AND epoch = $2"
)
_BEGIN: Final = (
    "INSERT INTO camera_epochs (camera, epoch, last_sequence, rows_stored, first_received_at, "
    "last_received_at, begins_after) "
    "VALUES ((SELECT id FROM cameras WHERE device_id = $1), $2, 0, 0, $3, $3, $4) "
    "ON CONFLICT (camera, epoch) DO UPDATE SET begins_after = excluded.begins_after, "
    "rows_before = $5 WHERE camera_epochs.begins_after IS NULL"
)
_HELD: Final = (
    "SELECT last_sequence, rows_stored FROM camera_epochs "
    "WHERE camera = (SELECT id FROM cameras WHERE device_id = $1) AND epoch = $2"
)
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
    await connection.execute(
        _GREET,
        hello.device_id,
        hello.hostname,
        hello.checkpoint_id,
        hello.agent_version,
        text_of(now),
        hello.epoch,
        round((hello.time - now).total_seconds(), 3),
        hello.clock_state,
        hello.waiting_rows,
    )
    if hello.epoch_after is not None:
        await _note_beginning(connection, hello, hello.epoch_after, text_of(now))


async def _note_beginning(
    connection: Connection, hello: Hello, begins_after: int, now: str
) -> None:
    """Once for each epoch: what came of it before, under an older version, is looked through."""
    epoch = (hello.device_id, hello.epoch)
    known = await connection.fetchrow(_BEGINNING, *epoch)
    if known is not None and known[0] is not None:
        return
    rows_before = 0
    if known is not None and begins_after:
        rows_before = await connection.fetchval(f"SELECT {_STORED_BEFORE}", *epoch, begins_after)
    await connection.execute(_BEGIN, *epoch, now, begins_after, rows_before)


async def held(connection: Connection, device_id: str, epoch: str) -> tuple[int, int]:
    """The last sequence of a device's epoch, and how many of its rows were ever stored; or 0."""
    found = await connection.fetchrow(_HELD, device_id, epoch)
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
