"""How much the centre's disk holds, by table and day, without reading it all. Implements
DataOverview on SQLite.

Record ids are given without holes and old rows go first, so that ids tell how many rows there are;
they grow with the time of arrival, so that a day's rows are found by halving.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from server.errors import QuestionInvalid
from server.storage.asking import Reader, Readers
from server.storage.pruning import picture_files, size_of
from server.storage.reading.data import DataSizes, DaySize, StatsPoint, TableSize
from server.storage.times import Steps, moment_of, steps_of, text_of

SAMPLE_ROWS: Final = 100
MOST_DAYS: Final = 366
ARRIVAL: Final = {
    "lpr_detections": "coalesce(received_at, captured_at)",
    "health_monitors": "coalesce(received_at, captured_at)",
    "face_detections": "received_at",
    "evictions": "received_at",
    "server_stats": "timestamp",
}
_STATS: Final = (
    "SELECT step, max(active), sum(max(0, connections - iif(connections < before1, 0, before1))), "
    "sum(max(0, received - iif(received < before2, 0, before2))), "
    "sum(max(0, processed - iif(processed < before3, 0, before3))), "
    "sum(max(0, errors - iif(errors < before4, 0, before4))) FROM ("
    "SELECT (unixepoch(timestamp) - :begin) / :step_s AS step, active_connections AS active, "
    "total_connections AS connections, messages_received AS received, "
    "messages_processed AS processed, errors, "
    "lag(total_connections) OVER numbered AS before1, "
    "lag(messages_received) OVER numbered AS before2, "
    "lag(messages_processed) OVER numbered AS before3, lag(errors) OVER numbered AS before4 "
    "FROM server_stats INDEXED BY server_stats_timestamp "
    "WHERE timestamp >= :since AND timestamp < :until "
    "WINDOW numbered AS (ORDER BY id)) WHERE before1 IS NOT NULL GROUP BY step ORDER BY step"
)


class SqliteDataOverview:
    """Of the database at `path` with its `pictures`; `retention_days` is the setting in force."""

    def __init__(self, pool: Readers, path: Path, pictures: Path, *, retention_days: int) -> None:
        self._pool = pool
        self._path = path
        self._pictures = pictures
        self._retention_days = retention_days

    async def sizes(self, *, days: int = 31) -> DataSizes:
        check_days(days)
        tables, counts = await self._pool.ask(
            lambda reader: (_tables(reader), arrivals_by_day(reader, days))
        )
        return await asyncio.to_thread(self._sizes, tables, counts, days)

    async def stats(
        self, *, since: datetime, until: datetime, points: int = 240
    ) -> tuple[StatsPoint, ...]:
        return await stats_of(self._pool, _STATS, since, until, points)

    def _sizes(
        self, tables: tuple[TableSize, ...], counts: dict[date, int], days: int
    ) -> DataSizes:
        files = {day: size_of(path) for day, path in picture_files(self._pictures)}
        there = sorted({*files, *counts}, reverse=True)[:days]
        disk = shutil.disk_usage(self._path.absolute().parent)
        log = self._path.with_name(self._path.name + "-wal")
        return DataSizes(
            database=str(self._path),
            database_bytes=self._path.stat().st_size,
            log_bytes=log.stat().st_size if log.exists() else 0,
            picture_bytes=sum(files.values()),
            picture_files=len(files),
            disk_free_bytes=disk.free,
            disk_total_bytes=disk.total,
            retention_days=self._retention_days,
            tables=tables,
            days=tuple(
                DaySize(day=day, sightings=counts.get(day, 0), picture_bytes=files.get(day, 0))
                for day in there
            ),
        )


def check_days(days: int) -> None:
    """Raises QuestionInvalid."""
    if not 1 <= days <= MOST_DAYS:
        raise QuestionInvalid(f"days={days}: expected 1 to {MOST_DAYS}")


def check_stretch(since: datetime, until: datetime, points: int) -> None:
    """Raises QuestionInvalid."""
    if since >= until or not 10 <= points <= 1000:
        raise QuestionInvalid(
            f"since={since.isoformat()}, until={until.isoformat()}, points={points}: expected "
            "the first before the second, and 10 to 1000 points"
        )


async def stats_of(
    pool: Readers, sql: str, since: datetime, until: datetime, points: int
) -> tuple[StatsPoint, ...]:
    """Of rows of (step, most connections open, connections, received, processed, errors). Raises
    QuestionInvalid."""
    check_stretch(since, until, points)
    steps = steps_of(since, until, most=points)
    values = values_of(steps, since, until)
    rows = await pool.ask(lambda reader: reader.rows(sql, values))
    return tuple(point_of(row, steps) for row in rows)


def values_of(steps: Steps, since: datetime, until: datetime) -> dict[str, Any]:
    """Of a question about counts over time."""
    return {
        "since": text_of(since),
        "until": text_of(until),
        "begin": steps.begin_s,
        "step_s": steps.length_s,
    }


def _tables(reader: Reader) -> tuple[TableSize, ...]:
    return tuple(_table(reader, name, arrival) for name, arrival in ARRIVAL.items())


def _table(reader: Reader, name: str, arrival: str) -> TableSize:
    first, last = ends_of(reader, name)
    if first is None:
        return TableSize(name=name, rows=0, about_bytes=0, oldest_at=None, newest_at=None)
    rows = last - first + 1
    ends = [
        reader.rows(f"SELECT {arrival} FROM {name} WHERE id = ?", (row_id,))[0][0]  # noqa: S608 (our own names)
        for row_id in (first, last)
    ]
    return TableSize(
        name=name,
        rows=rows,
        about_bytes=round(rows * _mean_bytes(reader, name, first, last)),
        oldest_at=moment_of(ends[0]),
        newest_at=moment_of(ends[1]),
    )


def ends_of(reader: Reader, name: str) -> tuple[Any, Any]:
    """The first and the last id, each looked up by itself: both at once would read every row."""
    sql = f"SELECT (SELECT min(id) FROM {name}), (SELECT max(id) FROM {name})"  # noqa: S608 (our own names)
    first, last = reader.rows(sql)[0]
    return first, last


def _mean_bytes(reader: Reader, name: str, first: int, last: int) -> float:
    """Of rows that lie evenly between the first and the last."""
    columns = [row[0] for row in reader.rows("SELECT name FROM pragma_table_info(?)", (name,))]
    size = " + ".join(f'coalesce(octet_length("{column}"), 0)' for column in columns)
    step = max(1, (last - first) // SAMPLE_ROWS)
    found = reader.rows(
        f"WITH RECURSIVE sample (at) AS (SELECT :first UNION ALL SELECT at + :step FROM sample "  # noqa: S608 (our own names)
        f"WHERE at + :step <= :last) SELECT avg({size}) FROM sample CROSS JOIN {name} "
        f"ON {name}.id = sample.at",
        {"first": first, "last": last, "step": step},
    )
    return float(found[0][0] or 0.0)


def arrivals_by_day(reader: Reader, most: int) -> dict[date, int]:
    """Sightings by the day of their arrival, the newest days: as many as ids were given."""
    first, last = ends_of(reader, "lpr_detections")
    counts: dict[date, int] = {}
    while last is not None and last >= first and len(counts) < most:
        arrived = _arrived(reader, last)
        if arrived is None:
            break
        begin = _first_since(reader, first, last, arrived)
        counts[date.fromisoformat(arrived)] = last - begin + 1
        last = begin - 1
    return counts


def _first_since(reader: Reader, low: int, high: int, day: str) -> int:
    """The lowest id from which on rows arrived on `day`, which `high` did."""
    while low < high:
        middle = (low + high) // 2
        arrived = _arrived(reader, middle)
        if arrived is not None and arrived >= day:
            high = middle
        else:
            low = middle + 1
    return high


def _arrived(reader: Reader, row_id: int) -> str | None:
    """The day on which the row, or the next one after it, arrived."""
    found = reader.row(
        "SELECT substr(coalesce(received_at, captured_at), 1, 10) FROM lpr_detections "
        "WHERE id >= ? ORDER BY id LIMIT 1",
        (row_id,),
    )
    try:
        return date.fromisoformat(str(found[0])).isoformat() if found else None
    except ValueError:
        return None  # an older server's row without a time of arrival


def point_of(row: Sequence[Any], steps: Steps) -> StatsPoint:
    step, active, connections, received, processed, errors = row
    return StatsPoint(
        at=steps.at(step),
        active_connections=active or 0,
        new_connections=connections or 0,
        messages_received=received or 0,
        messages_processed=processed or 0,
        errors=errors or 0,
    )
