"""Deletes what the server has had for long enough, in small transactions; frees the disk really.

Never touches a row that waits or was refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import apsw

from agent.outbox.books import SQL_TABLES
from agent.outbox.eviction import delete_metadata
from agent.outbox.file_names import file_names
from agent.outbox.spool import PictureSpool
from agent.outbox.waiting import Columns, Reading, captured_at
from wire.rows import Table

ROWS_A_STEP: Final = 500
PAGES_A_STEP: Final = 500
_PICTURED: Final = (Table.LPR_DETECTION, Table.FACE_DETECTION)
_NO_PICTURE: Final = "NULL, NULL, NULL, NULL"
_COLUMNS: Final = {
    Table.LPR_DETECTION: "d.frame_id, d.lp_image_filename, m.image_filename, "
    "m.processed_image_filename",
    Table.FACE_DETECTION: "d.frame_id, d.face_image_filename, NULL, NULL",
    Table.HEALTH_MONITOR: _NO_PICTURE,
    Table.EVICTION: _NO_PICTURE,
}


class PrunedStore(Protocol):
    """The database as pruning needs it."""

    def writing(self) -> AbstractContextManager[apsw.Connection]:
        """One durable transaction; nobody else writes meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went, or would."""

    rows: int = 0
    picture_bytes: int = 0


class _Old(NamedTuple):
    row_id: int
    frame_id: str | None
    names: tuple[str, ...]


class _Step(NamedTuple):
    last_id: int
    is_last: bool
    old: list[_Old]


def prune(store: PrunedStore, spool: PictureSpool, *, before: datetime, reading: Reading) -> Pruned:
    """Deletes rows that were acknowledged before that time, and their pictures; frees pages."""
    rows = 0
    size_bytes = 0
    for table in SQL_TABLES:
        for old in _old_rows(store, table, before, reading):
            with store.writing() as connection:
                gone = _delete(connection, table, old)
                kept_names = _shown_still(connection, table, gone)
            # Rows first: a crash here leaves files of ours without a row, which `sweep` removes.
            for one in gone:
                size_bytes += sum(spool.remove(n) for n in one.names if n not in kept_names)
            rows += len(gone)
    if rows:
        free_pages(store)
    return Pruned(rows=rows, picture_bytes=size_bytes)


def measure_old(
    store: PrunedStore, spool: PictureSpool, *, before: datetime, reading: Reading
) -> Pruned:
    """What `prune` would delete, at most: a picture that another row still shows stays."""
    rows = size_bytes = 0
    for table in SQL_TABLES:
        for old in _old_rows(store, table, before, reading):
            rows += len(old)
            size_bytes += sum(spool.size_of(name) for one in old for name in one.names)
    return Pruned(rows=rows, picture_bytes=size_bytes)


def free_pages(store: PrunedStore) -> None:
    """Gives pages that hold nothing back to the file system, some at a time."""
    before = -1
    while True:
        with store.writing() as connection:
            free = int(connection.pragma("freelist_count") or 0)
            if free in (0, before):
                return
            connection.execute(f"PRAGMA incremental_vacuum({PAGES_A_STEP})").fetchall()
        before = free


def _old_rows(
    store: PrunedStore, table: Table, before: datetime, reading: Reading
) -> Iterator[list[_Old]]:
    """By id, so by capture; ends where a whole step was captured after that time. Rows of the
    future, from a clock that was ahead for a while, say nothing of those that follow."""
    last_id, is_last = 0, False
    while not is_last:
        with store.writing() as connection:
            step = _step(connection, table, last_id, before, reading)
        last_id, is_last = step.last_id, step.is_last
        if step.old:
            yield step.old


def _step(
    connection: apsw.Connection, table: Table, after_id: int, before: datetime, reading: Reading
) -> _Step:
    name = SQL_TABLES[table]
    join = "LEFT JOIN camera_metadata AS m ON m.frame_id = d.frame_id"
    found: list[Columns] = connection.execute(
        f"SELECT d.id, d.sent_to_server, d.timestamp, d.sent_timestamp, {_COLUMNS[table]} "  # noqa: S608 - our own names
        f"FROM {name} AS d {join if table is Table.LPR_DETECTION else ''} "
        "WHERE d.id > ? ORDER BY d.id LIMIT ?",
        (after_id, ROWS_A_STEP),
    ).fetchall()
    old: list[_Old] = []
    captured_since = 0
    for row_id, flag, captured, acknowledged, frame_id, *said in found:
        captured_since += before <= captured_at(captured, reading) <= reading.now
        if flag == 1 and captured_at(acknowledged or captured, reading) < before:
            old.append(_Old(row_id, frame_id, file_names(said)))
    is_last = len(found) < ROWS_A_STEP or captured_since == len(found)
    return _Step(found[-1][0] if found else after_id, is_last, old)


def _delete(connection: apsw.Connection, table: Table, old: list[_Old]) -> list[_Old]:
    """Deletes the rows; those that went. One that was queued again since the look at it stays."""
    delete = f"DELETE FROM {SQL_TABLES[table]} WHERE id = ? AND sent_to_server = 1"  # noqa: S608 - our own names
    gone = []
    for one in old:
        connection.execute(delete, (one.row_id,))
        if connection.changes():
            gone.append(one)
    if table in _PICTURED:
        delete_metadata(connection, [one.frame_id for one in gone if one.frame_id is not None])
    return gone


def _shown_still(connection: apsw.Connection, table: Table, gone: list[_Old]) -> frozenset[str]:
    """The names of pictures that other rows of the same frame still show."""
    kept: set[str] = set()
    for one in gone if table in _PICTURED else ():
        shared = connection.execute(
            "SELECT 1 FROM detection_results WHERE frame_id = ? AND frame_id IS NOT message_id",
            (one.frame_id,),
        ).fetchone()
        if shared:
            kept.update(one.names)
    return frozenset(kept)
