"""Gives up old rows and ids in PostgreSQL, and the pictures of their days, beside running servers.

A month that is old as a whole goes as a partition, what is old in the others a little at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock_time
from typing import Any, Final

from server.storage.picture_stores.aging import give_up_days, measure_days
from server.storage.picture_stores.contract import PictureStore
from server.storage.postgres.connection import Connection
from server.storage.postgres.partitions import Month, months_around, others_of, partitions_of
from server.storage.postgres.preparing import schema_alone
from server.storage.pruning import Ages, Extent, Freed, Report, unix_of
from server.storage.records import TARGETS
from server.storage.times import text_of

BATCH_PAGES: Final = 64
"""Of 8 KB each: some thousand rows in a transaction."""
_LEAST_PAUSE_S: Final = 0.01
_LOOK_S: Final = 3600.0
"""A statement that reads a whole partition may take so long."""
_LOCK_WAIT: Final = "5s"
"""Cameras wait for so long at most, where somebody reads a table whose partition is to go."""

_NOTE: Final = (
    "WITH kept AS (DELETE FROM given_up WHERE rows_before < $1) INSERT INTO given_up "
    "SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM given_up WHERE rows_before >= $1)"
)
"""So that nobody takes for missing what was given up (`Cameras.books`)."""

Sleep = Callable[[float], Awaitable[object]]
Cut = str | int


_SAID: Final = {
    "lpr_detections": ("corrections WHERE true", "alerts WHERE source = 'lpr_detections'"),
    "face_detections": ("alerts WHERE source = 'face_detections'",),
}
"""What goes with a table's rows: tables with a `sighting_id`, and a condition on theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """`old` and `young` are conditions on a row, of which each row fulfils one; $1 is the cut."""

    name: str
    old: str
    young: str
    is_partitioned: bool = True
    said_of_them: tuple[str, ...] = ()


_ROWS: Final = (
    # Rows that an older server wrote may lack received_at.
    *(
        _Table(
            name=target.name,
            old="(received_at < $1 OR received_at IS NULL AND captured_at < $1)",
            young="(received_at >= $1 OR received_at IS NULL "
            "AND (captured_at >= $1 OR captured_at IS NULL))",
            said_of_them=_SAID.get(target.name, ()),
        )
        for target in TARGETS.values()
    ),
    _Table(
        name="server_stats", old="timestamp < $1", young="timestamp >= $1", is_partitioned=False
    ),
)
_IDS: Final = _Table(name="message_ledger", old="received_at < $1", young="received_at >= $1")

_SUMMARISE: Final = (
    "SELECT sum(brin_summarize_new_values(i.indexrelid)) FROM pg_index AS i "
    "JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam "
    "WHERE i.indrelid = to_regclass($1) AND a.amname = 'brin'"
)
"""So that looking for young rows in an old partition, which is done under a lock, reads no rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One run: `present` are the months that new rows may still come in."""

    connection: Connection
    present: frozenset[Month]
    report: Report
    sleep: Sleep

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """What is done in it leaves the database alone for as long as it took."""
        started_s = time.monotonic()
        yield
        await self.sleep(max(_LEAST_PAUSE_S, time.monotonic() - started_s))


async def _note(work: _Work, table: _Table, cut: Cut) -> None:
    """Before any row of that age goes."""
    if table.is_partitioned and isinstance(cut, str):
        begin = datetime.combine(date.fromisoformat(cut), clock_time(), UTC)
        await work.connection.execute(_NOTE, text_of(begin))


async def measure(connection: Connection, pictures: PictureStore, ages: Ages) -> Extent:
    """What `prune` would give up now; reads only. Raises StorageUnavailable."""
    found = {table.name: await _measure(connection, table, _cut(table, ages)) for table in _ROWS}
    ids, _ = await _measure(connection, _IDS, _cut(_IDS, ages))
    days = await measure_days(pictures, ages.rows_before)
    return Extent(
        rows={name: count for name, (count, _) in found.items()},
        row_bytes=sum(size for _, size in found.values()),
        picture_files=days.count,
        picture_bytes=days.size_bytes,
        ids=ids,
    )


async def prune(
    connection: Connection,
    pictures: PictureStore,
    ages: Ages,
    *,
    now: datetime,
    report: Report,
    sleep: Sleep = asyncio.sleep,
) -> Freed:
    """Gives up what is old. May be killed at any moment and run again; one run at a time.

    `report` is told of each step. Rows go before their pictures: a row that is there has its
    picture. What is freed in the database are the partitions that went: the room of other rows
    is PostgreSQL's to fill again. Raises StorageUnavailable.
    """
    work = _Work(
        connection=connection, present=frozenset(months_around(now)), report=report, sleep=sleep
    )
    rows = {table.name: await _prune(work, table, _cut(table, ages)) for table in _ROWS}
    days = await give_up_days(pictures, ages.rows_before, report=report)
    ids = await _prune(work, _IDS, _cut(_IDS, ages))
    gone = Extent(
        rows={name: count for name, (count, _) in rows.items()},
        row_bytes=0,
        picture_files=days.count,
        picture_bytes=days.size_bytes,
        ids=ids[0],
    )
    freed = ids[1] + sum(size for _, size in rows.values())
    return Freed(gone=gone, database_bytes=freed, is_shrunk=True)


def _cut(table: _Table, ages: Ages) -> Cut:
    return unix_of(ages.ids_before) if table is _IDS else ages.rows_before.isoformat()


def _ended_before(month: Month, cut: Cut) -> bool:
    """Whether the clocks of its rows' cameras were all before the cut."""
    if isinstance(cut, int):
        return month.plus(1).begin <= datetime.fromtimestamp(cut, UTC)
    return month.plus(1).begin.date().isoformat() <= cut


async def _parts(connection: Connection, table: _Table) -> dict[str, Month | None]:
    """The tables that its rows are in, the oldest month first, and whose they are."""
    if not table.is_partitioned:
        return {table.name: None}
    months = await partitions_of(connection, table.name)
    return {**{name: month for month, name in months.items()}, others_of(table.name): None}


async def _measure(connection: Connection, table: _Table, cut: Cut) -> tuple[int, int]:
    """How many are old, and their size in bytes."""
    count = size = 0
    for part in await _parts(connection, table):
        found: Any = await connection.fetchrow(
            f"SELECT count(*), coalesce(sum(pg_column_size(part)), 0) FROM {part} AS part "  # noqa: S608 (our own names)
            f"WHERE {table.old}",
            cut,
            timeout=_LOOK_S,
        )
        count += found[0]
        size += found[1]
    return count, size


async def _prune(work: _Work, table: _Table, cut: Cut) -> tuple[int, int]:
    """How many went, and how many bytes of the disk with their partitions."""
    count = freed = 0
    for part, month in (await _parts(work.connection, table)).items():
        may_go = month is not None and month not in work.present and _ended_before(month, cut)
        gone = await _drop_if_old(work, table, part, cut) if may_go else None
        if gone is None:
            count += await _delete_old(work, table, part, cut)
        else:
            count += gone[0]
            freed += gone[1]
    return count, freed


async def _drop_if_old(work: _Work, table: _Table, part: str, cut: Cut) -> tuple[int, int] | None:
    """Its rows and its bytes; None: it has a young row, and stays."""
    connection = work.connection
    has_young = f"SELECT EXISTS (SELECT 1 FROM {part} WHERE {table.young})"  # noqa: S608 (our own names)
    await connection.fetchval(_SUMMARISE, part, timeout=_LOOK_S)
    if await connection.fetchval(has_young, cut, timeout=_LOOK_S):
        return None
    await _note(work, table, cut)
    count = await connection.fetchval(f"SELECT count(*) FROM {part}", timeout=_LOOK_S)  # noqa: S608 (our own names)
    for said in table.said_of_them:
        await connection.execute(
            f"DELETE FROM {said} AND EXISTS (SELECT 1 FROM {part} "  # noqa: S608 (our own names)
            f"WHERE id = sighting_id AND {table.old})",  # a young row may have come since
            cut,
            timeout=_LOOK_S,
        )
    async with work.turn(), schema_alone(connection), connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
        # The whole first, as whoever writes does: the other way round the two could wait for each
        # other. Whoever was about to write a late row has done so then.
        await connection.execute(f"LOCK TABLE ONLY {table.name} IN ACCESS EXCLUSIVE MODE")
        if await connection.fetchval(has_young, cut):
            return None
        size = await connection.fetchval("SELECT pg_total_relation_size(to_regclass($1))", part)
        await connection.execute(f"DROP TABLE {part}")
    work.report(count)
    return count, size


async def _delete_old(work: _Work, table: _Table, part: str, cut: Cut) -> int:
    """Page by page, from the first to the last that has an old row."""
    ends: Any = await work.connection.fetchrow(
        f"SELECT min(ctid), max(ctid) FROM {part} WHERE {table.old}",  # noqa: S608 (our own names)
        cut,
        timeout=_LOOK_S,
    )
    first, last = ends
    if first is None:
        return 0
    await _note(work, table, cut)
    statement = _deleting(table, part)
    count = 0
    for page in range(first[0], last[0] + 1, BATCH_PAGES):
        async with work.turn():
            gone = await work.connection.fetchval(
                statement, cut, (page, 0), (page + BATCH_PAGES, 0)
            )
        count += gone
        work.report(gone)
    return count


def _deleting(table: _Table, part: str) -> str:
    """A statement that counts what it deletes between two places; what was said of a sighting goes
    with it."""
    also = "".join(
        f", also_{number} AS (DELETE FROM {said} AND sighting_id IN (SELECT number FROM gone))"  # noqa: S608 (our own names)
        for number, said in enumerate(table.said_of_them)
    )
    number = "id" if table.said_of_them else "1"
    return (
        f"WITH gone AS (DELETE FROM {part} WHERE ctid >= $2 AND ctid < $3 AND {table.old} "  # noqa: S608 (our own names)
        f"RETURNING {number} AS number){also} SELECT count(*) FROM gone"
    )
