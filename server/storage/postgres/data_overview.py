"""How much PostgreSQL and the pictures take, by table and day, without reading it all. Implements
DataOverview."""

from __future__ import annotations

import asyncio
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from server.storage.asking import Reader, Readers
from server.storage.data_overview import (
    ARRIVAL,
    arrivals_by_day,
    check_days,
    ends_of,
    stats_of,
)
from server.storage.picture_stores.contract import PictureStore
from server.storage.pruning import picture_files, size_of
from server.storage.reading.data import DataSizes, DaySize, StatsPoint, TableSize
from server.storage.times import moment_of

_COUNTED_BYTES: Final = 16 * 1024 * 1024
"""A part that is larger is not counted: PostgreSQL's own estimate tells how many rows it has."""
_PARTS: Final = (
    "SELECT c.relname, c.reltuples::float8, pg_relation_size(c.oid), pg_table_size(c.oid) "
    "FROM pg_class AS c WHERE c.relkind = 'r' AND (c.oid = to_regclass(:name) "
    "OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(:name)))) ORDER BY c.relname"
)
_SIZE: Final = "SELECT pg_database_size(current_database())"
_STATS: Final = """
SELECT step, sum(active)::bigint, sum(connections)::bigint, sum(received)::bigint,
    sum(processed)::bigint, sum(errors)::bigint
FROM (
    SELECT step, run, max(active) AS active,
        sum(greatest(0, connections - CASE WHEN connections < before1 THEN 0 ELSE before1 END))
            AS connections,
        sum(greatest(0, received - CASE WHEN received < before2 THEN 0 ELSE before2 END))
            AS received,
        sum(greatest(0, processed - CASE WHEN processed < before3 THEN 0 ELSE before3 END))
            AS processed,
        sum(greatest(0, errors - CASE WHEN errors < before4 THEN 0 ELSE before4 END)) AS errors
    FROM (
        SELECT run,
            (floor(extract(epoch FROM timestamp::timestamptz))::bigint - :begin) / :step_s AS step,
            active_connections AS active, total_connections AS connections,
            messages_received AS received, messages_processed AS processed, errors,
            lag(total_connections, 1, 0::bigint) OVER each_run AS before1,
            lag(messages_received, 1, 0::bigint) OVER each_run AS before2,
            lag(messages_processed, 1, 0::bigint) OVER each_run AS before3,
            lag(errors, 1, 0::bigint) OVER each_run AS before4,
            row_number() OVER each_run = 1 AS is_first, timestamp
        FROM server_stats WHERE timestamp >= :since AND timestamp < :until
        WINDOW each_run AS (PARTITION BY run ORDER BY id)
    ) AS counts
    WHERE NOT is_first OR NOT EXISTS (
        SELECT 1 FROM server_stats AS earlier
        WHERE earlier.run = counts.run AND earlier.timestamp < :since
    )
    GROUP BY step, run
) AS runs
GROUP BY step ORDER BY step
"""
"""Each process counts for itself, from 0 on: so does the first row of a run."""


class PostgresDataOverview:
    """`place` names the database; `folder` is where pictures are in files of this machine, None
    where they are in another store; `retention_days` is the setting in force."""

    def __init__(
        self,
        pool: Readers,
        pictures: PictureStore,
        *,
        place: str,
        folder: Path | None,
        retention_days: int,
    ) -> None:
        self._pool = pool
        self._pictures = pictures
        self._place = place
        self._folder = folder
        self._retention_days = retention_days

    async def sizes(self, *, days: int = 31) -> DataSizes:
        check_days(days)

        def work(reader: Reader) -> tuple[int, tuple[TableSize, ...], dict[date, int]]:
            size_bytes = int(reader.rows(_SIZE)[0][0])
            tables = tuple(_table(reader, name, arrival) for name, arrival in ARRIVAL.items())
            return size_bytes, tables, arrivals_by_day(reader, days)

        size_bytes, tables, counts = await self._pool.ask(work)
        return await asyncio.to_thread(self._sizes, size_bytes, tables, counts, days)

    async def stats(
        self, *, since: datetime, until: datetime, points: int = 240
    ) -> tuple[StatsPoint, ...]:
        return await stats_of(self._pool, _STATS, since, until, points)

    def _sizes(
        self, size_bytes: int, tables: tuple[TableSize, ...], counts: dict[date, int], days: int
    ) -> DataSizes:
        files: dict[date, int] | None = None
        disk = None
        if self._folder is not None:
            files = {day: size_of(path) for day, path in picture_files(self._folder)}
            disk = shutil.disk_usage(_there(self._folder))
        of_pictures = list(files) if files is not None else self._pictures.days()
        there = sorted({*of_pictures, *counts}, reverse=True)[:days]
        return DataSizes(
            database=self._place,
            database_bytes=size_bytes,
            log_bytes=0,
            picture_bytes=None if files is None else sum(files.values()),
            picture_files=len(of_pictures),
            disk_free_bytes=None if disk is None else disk.free,
            disk_total_bytes=None if disk is None else disk.total,
            retention_days=self._retention_days,
            tables=tables,
            days=tuple(
                DaySize(
                    day=day,
                    sightings=counts.get(day, 0),
                    picture_bytes=None if files is None else files.get(day, 0),
                )
                for day in there
            ),
        )


def _table(reader: Reader, name: str, arrival: str) -> TableSize:
    first, last = ends_of(reader, name)
    if first is None:
        return TableSize(name=name, rows=0, about_bytes=0, oldest_at=None, newest_at=None)
    parts: list[Any] = reader.rows(_PARTS, {"name": name})
    sql = f"SELECT {arrival} FROM {name} WHERE id = ?"  # noqa: S608 (our own names)
    ends = [reader.row(sql, (row_id,)) or (None,) for row_id in (first, last)]
    return TableSize(
        name=name,
        rows=sum(_rows(reader, part, estimate, size) for part, estimate, size, _ in parts),
        about_bytes=sum(int(whole) for *_, whole in parts),
        oldest_at=moment_of(ends[0][0]),
        newest_at=moment_of(ends[1][0]),
    )


def _rows(reader: Reader, part: str, estimate: float, size_bytes: int) -> int:
    if size_bytes > _COUNTED_BYTES and estimate > 0:
        return round(estimate)
    return int(reader.rows(f"SELECT count(*) FROM {part}")[0][0]) if size_bytes else 0  # noqa: S608 (our own names)


def _there(folder: Path) -> Path:
    """The folder, or the nearest around it that is there."""
    absolute = folder.absolute()
    return next(each for each in (absolute, *absolute.parents) if each.is_dir())
