"""Sets a corrupt database aside and saves what still waits into a new one.

Why so: docs/decisions/005-corrupt-database.md. Crash-safe: the new database gets its name when it
is complete; until then everything is done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import apsw
import structlog

from agent.outbox.adoption import adopt
from agent.outbox.books import SQL_TABLES
from agent.outbox.database import Purpose, connect, transaction
from agent.outbox.durable import make_durable, sync_folder

log = structlog.get_logger(__name__)

STEP_ROWS: Final = 200
FURTHEST: Final = 2**42
_UNREADABLE: Final = (apsw.Error, UnicodeDecodeError)
"""What reading a damaged database raises, or a text in it that is no UTF-8 any more."""
_LOG_SUFFIXES: Final = ("-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What came over. `lost` rows waited or were refused and cannot be read; None: unknown."""

    aside: Path
    rows: int
    lost: int | None

    def as_message(self) -> str:
        """For people."""
        lost = "nobody can say how many are lost" if self.lost is None else f"{self.lost} are lost"
        return (
            f"the database was corrupt and is set aside as {self.aside.name}; {self.rows} rows "
            f"that the server lacks were saved, {lost}: check the card or disk"
        )


def aside_name(path: Path, now: datetime) -> str:
    """A name beside the database that nothing has yet."""
    day = now.astimezone().strftime("%Y-%m-%d")
    name = f"{path.stem}.corrupt-{day}.db"
    number = 1
    while path.with_name(name).exists():
        number += 1
        name = f"{path.stem}.corrupt-{day}-{number}.db"
    return name


def recover(
    path: Path, aside: Path, *, device_id: str, epoch: str, now: datetime
) -> Recovered | None:
    """Moves `path` to `aside` and builds a new database at `path`; may be repeated after a crash.

    None where a run before had done all of it. Raises DatabaseUnusable or OSError.
    """
    if aside.exists() and path.exists():
        return None
    _set_aside(path, aside)
    fresh = path.with_name(path.name + ".recovering")
    for name in (fresh.name, *(fresh.name + suffix for suffix in _LOG_SUFFIXES)):
        fresh.with_name(name).unlink(missing_ok=True)
    connection = connect(fresh, Purpose.RECORDING)
    try:
        adopt(connection, path=fresh, device_id=device_id, epoch=epoch, now=now)
        rows, lost = _fill(connection, aside)
        connection.pragma("journal_mode", "delete")  # one file, so that it can be renamed
    finally:
        connection.close()
    make_durable(fresh, path)
    recovered = Recovered(aside=aside, rows=rows, lost=lost)
    log.error("%s", recovered.as_message())
    return recovered


def _set_aside(path: Path, aside: Path) -> None:
    """The log first, under the name by which SQLite finds it; then the database."""
    for suffix in _LOG_SUFFIXES:
        source = path.with_name(path.name + suffix)
        if source.exists() and not aside.exists():
            source.rename(aside.with_name(aside.name + suffix))
    if path.exists():
        path.rename(aside)
    sync_folder(path.parent)


def _fill(connection: apsw.Connection, aside: Path) -> tuple[int, int | None]:
    """Copies what the server lacks; how many rows, and how many of the books' are missing."""
    try:
        damaged = apsw.Connection(str(aside))
    except apsw.Error:
        return 0, None
    try:
        books = _old_books(damaged)
        with transaction(connection):
            rows = sum(_copy(connection, damaged, name) for name in SQL_TABLES.values())
            lost = _carry_books_over(connection, books, rows)
    finally:
        damaged.close()
    return rows, lost


def _old_books(damaged: apsw.Connection) -> dict[str, Any] | None:
    numbers = ("last_sequence", "waiting", "acknowledged", "refused", "evicted")
    texts = ("created_at", "device_id")
    names = (*numbers, *texts)
    try:
        row = damaged.execute(f"SELECT {', '.join(names)} FROM store").fetchone()  # noqa: S608 - our own names
    except _UNREADABLE:
        return None
    books = {} if row is None else dict(zip(names, row, strict=True))
    is_whole = all(isinstance(books.get(name), int) for name in numbers) and all(
        isinstance(books.get(name), str) for name in texts
    )
    return books if is_whole else None


def _carry_books_over(
    connection: apsw.Connection, books: dict[str, Any] | None, rows: int
) -> int | None:
    """Goes on counting and numbering; rows that are lost count as evicted.

    Saved rows keep their numbers, which belong to the epoch before (`epoch_after_sequence`).
    """
    union = " UNION ALL ".join(
        f"SELECT max(sequence) AS sequence FROM {name}"  # noqa: S608 - our own names
        for name in SQL_TABLES.values()
    )
    highest = connection.execute(f"SELECT coalesce(max(sequence), 0) FROM ({union})").get  # noqa: S608 - our own names
    highest = max(int(highest), int(books["last_sequence"]) if books else 0)
    lost = max(0, books["waiting"] + books["refused"] - rows) if books else None
    connection.execute(
        "UPDATE store SET last_sequence = ?1, epoch_after_sequence = ?1, "
        "acknowledged = acknowledged + ?2, evicted = evicted + ?3, captured = captured + ?2 + ?3",
        (highest, books["acknowledged"] if books else 0, (lost or 0) + _evicted(books)),
    )
    if books:
        connection.execute("UPDATE store SET device_id = ?", (books["device_id"],))
    if books and not lost:
        # By when it was begun the folder of pictures knows the store. After a loss it must not:
        # `sweep` would take pictures whose rows somebody may still save from the file set aside.
        connection.execute("UPDATE store SET created_at = ?", (books["created_at"],))
    return lost


def _evicted(books: dict[str, Any] | None) -> int:
    return int(books["evicted"]) if books else 0


def _copy(connection: apsw.Connection, damaged: apsw.Connection, name: str) -> int:
    """Rows that wait or were refused, with their ids and numbers; how many."""
    columns = [each for each in _columns(connection, name) if each in _columns(damaged, name)]
    if not columns:
        return 0
    wanted = [each for each in columns if each != "id"]
    insert = (
        f"INSERT OR IGNORE INTO {name} ({', '.join(wanted)}) "  # noqa: S608 - our own names
        f"VALUES ({', '.join('?' * len(wanted))})"
    )
    copied = 0
    for row in _salvaged(damaged, name, wanted):
        connection.execute(insert, row)
        copied += connection.changes()
        if "frame_id" in wanted:
            _copy_metadata(connection, damaged, row[wanted.index("frame_id")])
    return copied


def _copy_metadata(connection: apsw.Connection, damaged: apsw.Connection, frame_id: object) -> None:
    """The camera's part, where it can be read; the row has its time without it."""
    wanted = [each for each in _columns(connection, "camera_metadata") if each != "id"]
    try:
        row = damaged.execute(
            f"SELECT {', '.join(wanted)} FROM camera_metadata WHERE frame_id = ?",  # noqa: S608 - our own names
            (str(frame_id),),
        ).fetchone()
    except _UNREADABLE:
        return
    if row is not None:
        connection.execute(
            f"INSERT OR IGNORE INTO camera_metadata ({', '.join(wanted)}) "  # noqa: S608 - our own names
            f"VALUES ({', '.join('?' * len(wanted))})",
            row,
        )


def _columns(connection: apsw.Connection, name: str) -> list[str]:
    try:
        found = connection.execute("SELECT name FROM pragma_table_info(?)", (name,)).fetchall()
    except _UNREADABLE:
        return []
    return [str(column) for (column,) in found]


def _salvaged(
    damaged: apsw.Connection, name: str, wanted: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """Every row that can be read and that the server lacks: around each hole from both sides."""
    select = (
        f"SELECT id, {', '.join(wanted)} FROM {name} NOT INDEXED WHERE sent_to_server IN (0, 2)"  # noqa: S608 - our own names
    )
    last_id, leap = 0, 1
    while leap < FURTHEST:
        upwards = f"{select} AND id > {last_id + leap - 1} ORDER BY id LIMIT {STEP_ROWS}"
        rows, is_whole = _read(damaged, upwards)
        if rows and leap > 1:
            hole = f"{select} AND id > {last_id} AND id < {rows[0][0]} ORDER BY id DESC"
            beyond, _ = _read(damaged, hole)
            yield from (row[1:] for row in reversed(beyond))
        yield from (row[1:] for row in rows)
        if is_whole and len(rows) < STEP_ROWS:
            return
        if rows:
            last_id, leap = rows[-1][0], 1
        if not is_whole:
            leap *= 2


def _read(damaged: apsw.Connection, select: str) -> tuple[list[tuple[Any, ...]], bool]:
    """What comes before the first fault, and whether there was none."""
    rows: list[tuple[Any, ...]] = []
    try:
        for row in damaged.execute(select):
            rows.append(row)  # noqa: PERF402 - what was read before a fault counts
    except _UNREADABLE:
        return rows, False
    return rows, True
