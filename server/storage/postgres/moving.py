"""Moves the rows of a SQLite database into an empty one in PostgreSQL, and compares both.

Each piece and how far the move has come are one transaction, so that it may be killed at any moment
and run again: it goes on where it was. The SQLite file is only read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import apsw

from server.errors import StartRefused
from server.storage.connection import open_reader
from server.storage.dialect import SQLITE
from server.storage.postgres.connection import Connection
from server.storage.postgres.moved_tables import (
    MESSAGE,
    NEVER_EMPTY,
    PIECE_ROWS,
    TABLES,
    MovedTable,
)
from server.storage.postgres.moved_values import Checksum, Kind, kind_of, value_of
from server.storage.postgres.partitions import PARTITIONED, Month, make_partition, partitions_of
from server.storage.times import moment_of, text_of

_PROGRESS: Final = (
    "CREATE TABLE IF NOT EXISTS store_move (table_name TEXT PRIMARY KEY, "
    "last_id BIGINT, last_message UUID, rows BIGINT NOT NULL, is_done BOOLEAN NOT NULL)"
)
_EARLIEST: Final = Month(2015, 1)
_UUID_VERSION_7: Final = 7
_IS_DONE: Final = (
    "INSERT INTO store_move VALUES ($1, NULL, NULL, $2, true) "
    "ON CONFLICT (table_name) DO UPDATE SET is_done = true"
)

Report = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A table on both sides: how many rows, and one checksum of all of them."""

    table: str
    source_rows: int
    target_rows: int
    source_checksum: str
    target_checksum: str

    @property
    def is_equal(self) -> bool:
        return (self.source_rows, self.source_checksum) == (self.target_rows, self.target_checksum)


def rows_to_move(source: Path) -> dict[str, int]:
    """By table."""
    with contextlib.closing(open_reader(source)) as reader:
        return {table.name: _count(reader, table.name) for table in TABLES}


async def begin(target: Connection) -> dict[str, int]:
    """How many rows of each table an earlier run has moved already.

    Raises StartRefused where there are rows of another origin.
    """
    is_begun = await target.fetchval("SELECT to_regclass('store_move') IS NOT NULL")
    rows = await target.fetch("SELECT table_name, rows FROM store_move") if is_begun else []
    if not rows:
        for table in sorted({each.name for each in TABLES} - NEVER_EMPTY):
            if await target.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table})"):  # noqa: S608 (our own names)
                raise StartRefused(
                    f"the PostgreSQL database has rows in {table} already: rows are moved only "
                    "into an empty one; make another with createdb"
                )
        await target.execute(_PROGRESS)
    return {row["table_name"]: row["rows"] for row in rows}


async def move(
    source: Path,
    target: Connection,
    *,
    now: datetime,
    report: Report,
    piece_rows: int = PIECE_ROWS,
) -> None:
    """Whatever is not moved yet. `report` is told of each piece's rows."""
    with contextlib.closing(open_reader(source)) as reader:
        for table in TABLES:
            shape = await _shape(reader, target, table)
            done = await target.fetchrow(
                "SELECT * FROM store_move WHERE table_name = $1", table.name
            )
            if done is not None and done["is_done"]:
                continue
            last, moved = (None, 0) if done is None else (_last_of(done), done["rows"])
            for piece in _pieces(reader, shape, last, min(piece_rows, table.piece_rows)):
                records = [shape.converted(row) for row in piece]
                await _make_months(target, shape, records, now)
                moved += len(records)
                async with target.transaction():
                    await _write(target, shape, records)
                    await _note(target, shape, records[-1], moved)
                report(len(records))
            await target.execute(_IS_DONE, table.name, moved)
        await _set_sequences(reader, target)
        await _note_given_up(reader, target)


async def compare(source: Path, target: Connection, *, report: Report) -> list[Moved]:
    """Reads everything on both sides once more. `report` is told of rows of the source."""
    found = []
    with contextlib.closing(open_reader(source)) as reader:
        for table in TABLES:
            shape = await _shape(reader, target, table)
            of_source, of_target = Checksum(), Checksum()
            for row in reader.execute(_whole(shape)):
                of_source.add(shape.converted(row))
                if of_source.rows % PIECE_ROWS == 0:
                    report(PIECE_ROWS)
            report(of_source.rows % PIECE_ROWS)
            async with target.transaction(readonly=True):
                async for record in target.cursor(_whole(shape), prefetch=table.piece_rows):
                    of_target.add(tuple(record))
            found.append(
                Moved(
                    table=table.name,
                    source_rows=of_source.rows,
                    target_rows=of_target.rows,
                    source_checksum=of_source.text,
                    target_checksum=of_target.text,
                )
            )
    return found


async def finish(target: Connection) -> None:
    """The move is over: servers may start, and nothing is moved in again."""
    await target.execute("DROP TABLE store_move")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """The columns that both sides have, and what the target takes in each."""

    table: MovedTable
    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]

    def converted(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """SQLite keeps in any column whatever was written into it."""
        return tuple(value_of(kind, value) for kind, value in zip(self.kinds, row, strict=True))


async def _shape(reader: apsw.Connection, target: Connection, table: MovedTable) -> _Shape:
    there = {
        str(name)
        for (name,) in reader.execute("SELECT name FROM pragma_table_info(?)", (table.name,))
    }
    rows = await target.fetch(
        "SELECT attname, format_type(atttypid, NULL) AS kind FROM pg_attribute "
        "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped "
        "AND attgenerated = '' ORDER BY attnum",
        table.name,
    )
    common = [(row["attname"], kind_of(row["kind"])) for row in rows if row["attname"] in there]
    return _Shape(
        table=table,
        columns=tuple(name for name, _ in common),
        kinds=tuple(kind for _, kind in common),
    )


def _last_of(done: Any) -> Any:
    """The key up to which a table was moved, as SQLite has it."""
    if done["last_message"] is not None:
        return UUID(done["last_message"]).bytes
    return done["last_id"]


def _pieces(
    reader: apsw.Connection, shape: _Shape, last: Any, piece_rows: int
) -> Iterator[list[tuple[Any, ...]]]:
    """The rows after `last`, in the order of the key."""
    columns, key, table = ", ".join(shape.columns), shape.table.key, shape.table.name
    if not key:
        rows = list(reader.execute(f"SELECT {columns} FROM {table}"))  # noqa: S608 (our own names)
        if rows:
            yield rows
        return
    place = shape.columns.index(key)
    least: Any = b"" if key == MESSAGE else -1
    last = least if last is None else last
    sql = f"SELECT {columns} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?"  # noqa: S608 (our own names)
    while piece := list(reader.execute(sql, (last, piece_rows))):
        yield piece
        last = piece[-1][place]


async def _write(target: Connection, shape: _Shape, records: Sequence[tuple[Any, ...]]) -> None:
    added = shape.table.added
    if shape.table.name in NEVER_EMPTY:
        await target.execute(f"DELETE FROM {shape.table.name}")  # noqa: S608 (our own names)
    await target.copy_records_to_table(
        shape.table.name,
        records=[(*record, *added.values()) for record in records],
        columns=(*shape.columns, *added),
    )


async def _note(target: Connection, shape: _Shape, last: tuple[Any, ...], moved: int) -> None:
    key = shape.table.key
    value = last[shape.columns.index(key)] if key else None
    is_message = key == MESSAGE
    await target.execute(
        "INSERT INTO store_move VALUES ($1, $2, $3, $4, $5) ON CONFLICT (table_name) DO UPDATE "
        "SET last_id = excluded.last_id, last_message = excluded.last_message, "
        "rows = excluded.rows, is_done = excluded.is_done",
        shape.table.name,
        None if is_message else value,
        value if is_message else None,
        moved,
        not key,
    )


async def _make_months(
    target: Connection, shape: _Shape, records: Sequence[tuple[Any, ...]], now: datetime
) -> None:
    """Of the cameras' ids in these rows, as far as their clocks can be right."""
    table = shape.table.name
    if table not in PARTITIONED:
        return
    place = shape.columns.index(MESSAGE)
    ids = [UUID(record[place]) for record in records if record[place]]
    months = {
        Month.of(datetime.fromtimestamp((each.int >> 80) / 1000, UTC))
        for each in ids
        if each.version == _UUID_VERSION_7 and (each.int >> 80) / 1000 < now.timestamp()
    }
    there = await partitions_of(target, table)
    for month in sorted(months - there.keys()):
        if month >= _EARLIEST:
            async with target.transaction():
                await make_partition(target, table, month)


async def _set_sequences(reader: apsw.Connection, target: Connection) -> None:
    """No id is given twice, also not that of a row that was given up."""
    given = {str(name): int(last) for name, last in reader.execute("SELECT * FROM sqlite_sequence")}
    for table, key in ((each.name, each.key) for each in TABLES if each.is_numbered):
        sequence = await target.fetchval("SELECT pg_get_serial_sequence($1, $2)", table, key)
        highest = await target.fetchval(f"SELECT max({key}) FROM {table}")  # noqa: S608 (our own names)
        last = max(given.get(table, 0), highest or 0)
        if last:
            await target.execute("SELECT setval($1::regclass, $2)", sequence or f"{table}_id", last)


async def _note_given_up(reader: apsw.Connection, target: Connection) -> None:
    """There the first ids tell; sequences may leave some out."""
    arrivals = [moment_of(at) for (at,) in reader.execute(SQLITE.given_up_before)]
    days = [arrival.date() for arrival in arrivals if arrival is not None]
    if days:
        begin = datetime.combine(max(days), time(), UTC)
        await target.execute("DELETE FROM given_up")
        await target.execute("INSERT INTO given_up VALUES ($1)", text_of(begin))


def _whole(shape: _Shape) -> str:
    order = shape.table.key or shape.table.order
    return f"SELECT {', '.join(shape.columns)} FROM {shape.table.name} ORDER BY {order}"  # noqa: S608 (our own names)


def _count(reader: apsw.Connection, table: str) -> int:
    found: Any = reader.execute(f"SELECT count(*) FROM {table}").get  # noqa: S608 (our own names)
    return int(found)
