"""Gives up old rows and pictures, a little at a time, beside a running server or without one.

Never touches the ledger of ids on behalf of the rows: it has a longer retention of its own.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import apsw

from server.storage.connection import open_reader, open_second_writer, open_writer, transaction
from server.storage.lock import DatabaseLock
from server.storage.records import TARGETS

MOST_AT_ONCE: Final = 500
"""Rows, or pages of the file, in one transaction."""
LEAST_AT_ONCE: Final = 25
HELD_S: Final = 0.02
"""A transaction is to take so long: rows of cameras wait for its end."""
_MOST_WAL_BYTES: Final = 64 * 1024 * 1024
_LEAST_PAUSE_S: Final = 0.01

# Rows that an older server wrote may lack received_at.
_RECEIVED: Final = {
    **{target.name: "coalesce(received_at, captured_at)" for target in TARGETS.values()},
    "server_stats": "timestamp",
}

Sleep = Callable[[float], object]
Report = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """What is old: rows and pictures of days before `rows_before`, ids before `ids_before`.

    Both are the first moment of a day in UTC, so that rows go together with the picture file of
    their day. Age is counted from arrival at the server, whose clock alone is trusted.
    """

    rows_before: date
    ids_before: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much: rows of each table, files of pictures, ids of the ledger; sizes in bytes."""

    rows: dict[str, int]
    row_bytes: int
    picture_files: int
    picture_bytes: int
    ids: int

    @property
    def steps(self) -> int:
        """What there is to do, in the unit that `prune` reports."""
        return sum(self.rows.values()) + self.picture_files + self.ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What a run did: what went, and by how much the database file shrank or will shrink.

    `is_shrunk` is False where a running server has yet to take the change over into the file: it
    does so with the next rows that it stores.
    """

    gone: Extent
    database_bytes: int
    is_shrunk: bool


def ages_of(now: datetime, *, rows_older_than: timedelta, ids_older_than: timedelta) -> Ages:
    """The days before which rows and ids are old at `now`."""
    utc = now.astimezone(UTC)
    return Ages(
        rows_before=(utc - rows_older_than).date(), ids_before=(utc - ids_older_than).date()
    )


def measure(database: Path, pictures: Path, ages: Ages) -> Extent:
    """What `prune` would give up now; reads only."""
    with contextlib.closing(open_reader(database)) as connection:
        found = {name: _measure_table(connection, name, ages) for name in _RECEIVED}
        ids: Any = connection.execute(
            "SELECT count(*) FROM message_ledger WHERE received_at < ?", (unix_of(ages.ids_before),)
        ).get
    files = _old_files(pictures, ages)
    return Extent(
        rows={name: count for name, (count, _) in found.items()},
        row_bytes=sum(size for _, size in found.values()),
        picture_files=len(files),
        picture_bytes=sum(size_of(path) for path in files),
        ids=int(ids),
    )


def prune(
    database: Path, pictures: Path, ages: Ages, *, report: Report, sleep: Sleep = time.sleep
) -> Freed:
    """Gives up what is old. May be killed at any moment and run again.

    Each transaction is short, and between two the database is left alone for twice as long as the
    last one took, so that a server beside it always gets its turn. `report` is told of each step.
    Rows go before their pictures: a row that is there has its picture.
    """
    with contextlib.closing(open_second_writer(database)) as connection:
        pace = _Pace(connection, database, sleep)
        page_size: Any = connection.pragma("page_size")
        rows = {name: _prune_table(connection, name, ages, pace, report) for name in _RECEIVED}
        files, size = _prune_pictures(pictures, ages, report)
        ids = _prune_ledger(connection, ages, pace, report)
        pages = _free_pages(connection, pace)
    is_shrunk = _take_over(database)
    gone = Extent(rows=rows, row_bytes=0, picture_files=files, picture_bytes=size, ids=ids)
    return Freed(gone=gone, database_bytes=pages * int(page_size), is_shrunk=is_shrunk)


def next_size(size: int, took_s: float) -> int:
    """Of the transaction after one of that size that took so long."""
    if took_s > 2 * HELD_S:
        return max(LEAST_AT_ONCE, size // 2)
    return min(MOST_AT_ONCE, size * 2) if took_s < HELD_S / 2 else size


class _Pace:
    """Transactions that leave room for each other, and a log that does not grow without end."""

    def __init__(self, connection: apsw.Connection, database: Path, sleep: Sleep) -> None:
        self._connection = connection
        self._database = database
        self._log = database.with_name(database.name + "-wal")
        self._sleep = sleep
        self.at_once = LEAST_AT_ONCE * 4

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        started = time.monotonic()
        with transaction(self._connection):
            yield
        took_s = time.monotonic() - started
        self.at_once = next_size(self.at_once, took_s)
        self._sleep(max(_LEAST_PAUSE_S, 2 * took_s))
        if self._log.exists() and self._log.stat().st_size > _MOST_WAL_BYTES:
            _take_over(self._database)


def _take_over(database: Path) -> bool:
    """Brings the log into the file where no server runs; a server does that itself.

    Only one connection may checkpoint, hence the lock.
    """
    lock = DatabaseLock(database)
    if not lock.try_acquire():
        return False
    try:
        with contextlib.closing(open_writer(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        lock.release()
    return True


def _measure_table(connection: apsw.Connection, name: str, ages: Ages) -> tuple[int, int]:
    columns = [
        column for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
    ]
    size = " + ".join(f'coalesce(octet_length("{column}"), 0)' for column in columns)
    found: Any = connection.execute(
        f"SELECT count(*), coalesce(sum({size}), 0) FROM {name} WHERE {_RECEIVED[name]} < ?",  # noqa: S608 (our own names)
        (ages.rows_before.isoformat(),),
    ).fetchone()
    return int(found[0]), int(found[1])


def _prune_table(
    connection: apsw.Connection, name: str, ages: Ages, pace: _Pace, report: Report
) -> int:
    """Old rows are looked for without the write lock, then deleted by their ids."""
    look = f"SELECT id FROM {name} WHERE id > ? AND {_RECEIVED[name]} < ? ORDER BY id LIMIT ?"  # noqa: S608 (our own names)
    delete = f"DELETE FROM {name} WHERE id = ?"  # noqa: S608 (our own names)
    last: Any = -1
    count = 0
    while found := connection.execute(
        look, (last, ages.rows_before.isoformat(), pace.at_once)
    ).fetchall():
        with pace.turn():
            connection.executemany(delete, found)
        last = found[-1][0]
        count += len(found)
        report(len(found))
    return count


def _prune_ledger(connection: apsw.Connection, ages: Ages, pace: _Pace, report: Report) -> int:
    look = (
        "SELECT message_id FROM message_ledger WHERE message_id > ? AND received_at < ? "
        "ORDER BY message_id LIMIT ?"
    )
    last: Any = b""
    before = unix_of(ages.ids_before)
    count = 0
    while found := connection.execute(look, (last, before, pace.at_once)).fetchall():
        with pace.turn():
            connection.executemany("DELETE FROM message_ledger WHERE message_id = ?", found)
        last = found[-1][0]
        count += len(found)
        report(len(found))
    return count


def _prune_pictures(pictures: Path, ages: Ages, report: Report) -> tuple[int, int]:
    """Whole days go. A server does not hold such an old file open: it writes today's."""
    size = 0
    files = _old_files(pictures, ages)
    for path in files:
        size += size_of(path)
        remove(path)
        report(1)
    return len(files), size


def remove(path: Path) -> None:
    """A file of pictures, with what SQLite keeps beside it."""
    for each in _parts(path):
        each.unlink(missing_ok=True)


def _free_pages(connection: apsw.Connection, pace: _Pace) -> int:
    """Gives empty pages back to the file system, a few at a time; returns how many."""
    freed = 0
    while (empty := _empty_pages(connection)) > 0:
        with pace.turn():
            connection.execute(f"PRAGMA incremental_vacuum({pace.at_once})").fetchall()
        left = _empty_pages(connection)
        if left >= empty:
            break  # a file without auto_vacuum keeps its pages and fills them again
        freed += empty - left
    return freed


def _empty_pages(connection: apsw.Connection) -> int:
    found: Any = connection.pragma("freelist_count")
    return int(found)


def picture_files(pictures: Path) -> list[tuple[date, Path]]:
    """The files of pictures and the days whose they are, in order."""
    found = []
    for path in sorted(pictures.glob("????-??-??.db")):
        try:
            found.append((date.fromisoformat(path.stem), path))
        except ValueError:
            continue  # not ours
    return found


def _old_files(pictures: Path, ages: Ages) -> list[Path]:
    return [path for day, path in picture_files(pictures) if day < ages.rows_before]


def _parts(path: Path) -> tuple[Path, ...]:
    return (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"))


def size_of(path: Path) -> int:
    """On the disk, with what SQLite keeps beside it."""
    return sum(each.stat().st_size for each in _parts(path) if each.exists())


def unix_of(day: date) -> int:
    """Its first second in UTC, as the ledger writes times."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
