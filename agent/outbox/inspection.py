"""Looks at a database from outside, read-only: whether it can be used, what waits, what grows.

Works on any file, opened by an agent or not, and changes nothing: where no program has it open,
not even the files that SQLite keeps beside it are made.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final
from urllib.parse import quote

import apsw

from agent.delivery import StoreIdentity
from agent.outbox.books import SQL_TABLES, read_counts, read_identity
from agent.outbox.database import broken_text_as_corrupt
from agent.outbox.file_names import file_names
from agent.outbox.opening import STEPS_BETWEEN_LOOKS
from agent.outbox.state import StateFile
from agent.outbox.trouble import advice
from agent.outbox.waiting import Reading, captured_at

BUSY_MS: Final = 1_000
SAMPLED_PICTURES: Final = 50
DAY: Final = timedelta(days=1)

MOST_REFUSED: Final = 1000
"""Whose numbers are told, of each table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was seen. `fault` says why it cannot be used and what to do; then counts are zero.

    `is_older`: the older system's, not adopted yet. `growth_bytes_a_day` is of rows and pictures
    of the last day. `evicted_rows` never reached the server; `newest_eviction` tells of the last,
    `eviction_reason` why that was.
    `refused_sequences` are numbers of the rows refused last, ascending. `identity` says whose rows
    they are, None where it is not ours yet or cannot be read.
    """

    sqlite_version: str
    has_begun: bool = True
    is_older: bool = False
    fault: str | None = None
    size_bytes: int = 0
    log_bytes: int = 0
    checked_at: datetime | None = None
    captured_rows: int = 0
    acknowledged_rows: int = 0
    waiting_rows: int = 0
    refused_rows: int = 0
    evicted_rows: int = 0
    oldest_at: datetime | None = None
    evicted_at: datetime | None = None
    newest_eviction: str = ""
    eviction_reason: str = ""
    growth_bytes_a_day: float | None = None
    identity: StoreIdentity | None = None
    refused_sequences: tuple[int, ...] = ()


def inspect(path: Path, pictures: Path, now: datetime, *, zone: tzinfo | None = None) -> Inspection:
    """One look; `zone` is that of naive times in it (None: this machine's)."""
    version = apsw.sqlite_lib_version()
    if not path.exists():
        return Inspection(sqlite_version=version, has_begun=False)
    size_bytes = path.stat().st_size
    log_bytes = _size_of(_log_of(path))
    state = StateFile(path).read()
    reading = Reading(zone=zone, now=now)
    try:
        with reading_only(path) as connection:
            if not _has_store(connection):
                return Inspection(sqlite_version=version, is_older=True, size_bytes=size_bytes)
            counts = read_counts(connection)
            evicted_at, newest, reason = _newest_eviction(connection, reading)
            return Inspection(
                sqlite_version=version,
                size_bytes=size_bytes,
                log_bytes=log_bytes,
                checked_at=state.checked_at if state else None,
                captured_rows=counts.captured,
                acknowledged_rows=counts.acknowledged,
                waiting_rows=counts.waiting,
                refused_rows=counts.refused,
                evicted_rows=counts.evicted,
                oldest_at=_oldest(connection, reading),
                evicted_at=evicted_at,
                newest_eviction=newest,
                eviction_reason=reason,
                growth_bytes_a_day=_growth(connection, pictures, size_bytes, reading),
                identity=read_identity(connection),
                refused_sequences=_refused(connection),
            )
    except apsw.Error as error:
        return Inspection(sqlite_version=version, fault=_fault(path, error), size_bytes=size_bytes)


def write_fault(path: Path) -> str | None:
    """Why nobody could write into it now; None where one could. For one that no agent has open."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        with contextlib.closing(connection):
            # Merging the log is the recording connection's alone.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.set_busy_timeout(BUSY_MS)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except apsw.Error as error:
        return _fault(path, error)
    return None


def soundness_fault(path: Path, within_s: float) -> tuple[str | None, bool]:
    """What SQLite's quick_check finds, None where nothing; and whether it came to its end."""
    end_s = time.monotonic() + within_s
    try:
        with reading_only(path) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > end_s, STEPS_BETWEEN_LOOKS)
            said = str(connection.execute("PRAGMA quick_check(1)").get)
    except apsw.InterruptError:
        return None, False
    except apsw.Error as error:
        return _fault(path, error), True
    if said == "ok":
        return None, True
    return f"{path} is corrupt ({said}): it is set aside at the next start, back it up now", True


@contextmanager
def reading_only(path: Path) -> Iterator[apsw.Connection]:
    """A connection that cannot write; raises apsw.Error."""
    # Without a log nobody has it open in WAL mode; `immutable` then keeps SQLite from making one.
    mode = "mode=ro" if _log_of(path).exists() else "mode=ro&immutable=1"
    connection = apsw.Connection(
        f"file:{quote(str(path.absolute()))}?{mode}",
        flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
    )
    try:
        connection.set_busy_timeout(BUSY_MS)
        with broken_text_as_corrupt():
            yield connection
    finally:
        connection.close()


def _has_store(connection: apsw.Connection) -> bool:
    found = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'store'"
    return bool(connection.execute(found).get)


def _oldest(connection: apsw.Connection, reading: Reading) -> datetime | None:
    """When the first row was captured that waits, by the partial indexes."""
    found = [
        connection.execute(
            f"SELECT timestamp FROM {name} INDEXED BY {name}_waiting "  # noqa: S608 - our own names
            "WHERE sent_to_server = 0 ORDER BY id LIMIT 1"
        ).get
        for name in SQL_TABLES.values()
    ]
    return min((captured_at(text, reading) for text in found if text is not None), default=None)


def _refused(connection: apsw.Connection) -> tuple[int, ...]:
    """Numbers of the rows refused last in each table, by the partial indexes."""
    found = [
        sequence
        for name in SQL_TABLES.values()
        for (sequence,) in connection.execute(
            f"SELECT sequence FROM {name} INDEXED BY {name}_refused "  # noqa: S608 - our own names
            "WHERE sent_to_server = 2 AND sequence IS NOT NULL ORDER BY id DESC LIMIT ?",
            (MOST_REFUSED,),
        )
    ]
    return tuple(sorted(found))


def _newest_eviction(
    connection: apsw.Connection, reading: Reading
) -> tuple[datetime | None, str, str]:
    """When, what, and why."""
    row = connection.execute(
        "SELECT timestamp, kind, count, reason, message FROM evictions ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None, "", ""
    timestamp, kind, count, reason, message = row
    told = f", {message}" if message else ""
    return captured_at(timestamp, reading), f"{count} {kind}s ({reason}{told})", reason


def _growth(
    connection: apsw.Connection, pictures: Path, size_bytes: int, reading: Reading
) -> float | None:
    """Bytes that the last day added: its rows at the database's mean, its pictures by a sample.

    None in the first hours, for a part of a day says little.
    """
    began = connection.execute(
        "SELECT timestamp FROM detection_results WHERE timestamp IS NOT NULL ORDER BY id LIMIT 1"
    ).get
    if began is None or reading.now - captured_at(began, reading) < DAY / 4:
        return None
    span = min(DAY, reading.now - captured_at(began, reading))
    since = (reading.now - span).astimezone(reading.zone).isoformat()
    rows = int(
        connection.execute(
            "SELECT count(*) FROM detection_results WHERE timestamp >= ?", (since,)
        ).get
    )
    last_id = int(connection.execute("SELECT max(id) FROM detection_results").get or 1)
    row_bytes = size_bytes / max(last_id, 1)
    return rows * (row_bytes + _mean_picture(connection, pictures)) * (DAY / span)


def _mean_picture(connection: apsw.Connection, pictures: Path) -> float:
    names = connection.execute(
        "SELECT lp_image_filename FROM detection_results WHERE lp_image_filename IS NOT NULL "
        "ORDER BY id DESC LIMIT ?",
        (SAMPLED_PICTURES,),
    ).fetchall()
    sizes = [
        size for name in file_names(n for (n,) in names) if (size := _size_of(pictures / name))
    ]
    return sum(sizes) / len(sizes) if sizes else 0.0


def _fault(path: Path, error: apsw.Error) -> str:
    return f"{path} cannot be used ({error}): {advice(error)}"


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
