"""The store in SQLite: one thread and connection that write, one of each that read."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from server.analytics.work import Work
from server.device_token import DeviceToken
from server.storage import books, runs, tokens
from server.storage.accuracy import uncorrected_share
from server.storage.books import Books
from server.storage.connection import (
    open_note_writer,
    open_reader,
    open_writer,
    storage_errors,
    transaction,
)
from server.storage.fleet import Fleet, look_at_fleet
from server.storage.pictures import PictureArchive, day_of, register_picture_base64
from server.storage.protocol import Conflict, Held, Outcome, ServerStats, Stored
from server.storage.records import TARGETS, record_of
from server.storage.service_minutes import write_minutes
from server.storage.times import text_of
from server.storage.usage_counts import active_users
from wire.accepted import AcceptedRow
from wire.rows import Table
from wire.v1 import Hello

_T = TypeVar("_T")

_KNOWN: Final = (
    "SELECT m.message_id, m.record_id, m.fingerprint FROM carray(?) wanted "
    "CROSS JOIN message_ledger m ON m.message_id = wanted.value"
)
_LEDGER: Final = "INSERT INTO message_ledger VALUES (?, ?, ?, ?, ?, ?)"
_HIGHEST: Final = "SELECT " + ", ".join(target.highest_id for target in TARGETS.values())
_INSERTS: Final = {table: target.insert for table, target in TARGETS.items()}


class SqliteStore:
    """Implements RowStore, TokenLookup and StatsStore on a migrated database.

    Record ids are counted here, inside the transaction: this is the only writer of rows.
    """

    def __init__(self, path: Path, pictures: Path) -> None:
        self._path = path
        self._writer = open_writer(path)
        self._reader = open_reader(path)
        self._archive = PictureArchive(pictures, read_only=False)
        register_picture_base64(self._writer, self._archive)
        self._books = Books(self._writer)
        self._notes = open_note_writer(path)
        self._run_name = secrets.token_hex(8)
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="sightpost-store")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="sightpost-read")
        self._is_closed = False

    async def commit_group(
        self, rows: Sequence[AcceptedRow], received_at: datetime
    ) -> list[Outcome]:
        return await self._write(lambda: self._commit(rows, received_at))

    async def greet(self, hello: Hello, now: datetime) -> Held:
        return await self._write(lambda: self._greet(hello, now))

    async def find_token(self, token_sha256: bytes) -> DeviceToken | None:
        return await self._read(lambda: tokens.find_token(self._reader, token_sha256))

    async def name_has_token(self, name: str) -> bool:
        return await self._read(lambda: tokens.name_has_token(self._reader, name))

    async def live_tokens(self) -> frozenset[bytes]:
        return await self._read(lambda: tokens.live_tokens(self._reader))

    async def note_token_use(self, names: Collection[str], now: datetime) -> None:
        await self._write(lambda: self._note_token_use(names, now))

    async def record_stats(self, stats: ServerStats, now: datetime) -> None:
        await self._write(lambda: self._record_stats(stats, now))

    async def check(self) -> None:
        await self._read(lambda: self._reader.execute("SELECT 1 FROM cameras LIMIT 1").fetchall())

    async def fleet(self, *, now: datetime, most: int) -> Fleet:
        """All cameras together, at most so many one by one. Raises StorageUnavailable."""
        return await self._read(lambda: look_at_fleet(self._reader, now=now, most=most))

    async def keep_minutes(self, works: Mapping[str, Work]) -> None:
        """Writes down what services did in a minute. Raises StorageUnavailable."""
        await self._write(lambda: self._keep_minutes(works))

    async def active_users(self, since: datetime) -> int:
        """People at work since then. Raises StorageUnavailable."""
        return await self._read(lambda: active_users(self._reader, since))

    async def uncorrected_share(self) -> float | None:
        """How many of the latest readings stand, 0..1. Raises StorageUnavailable."""
        return await self._read(lambda: uncorrected_share(self._reader))

    async def release_memory(self) -> None:
        """Gives back what SQLite keeps of the databases: the cache of each connection grows with
        them, to 2 MB, and would stay so for good."""
        await self._write(self._release_writers)
        await self._read(self._reader.release_memory)

    def _release_writers(self) -> None:
        self._writer.release_memory()
        self._notes.release_memory()
        self._archive.release_memory()

    async def close(self) -> None:
        """Waits for the write in hand, then closes; idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reading.shutdown()
        self._writing.shutdown()
        self._archive.close()
        self._reader.close()
        self._notes.close()
        self._writer.close()

    async def _write(self, work: Callable[[], _T]) -> _T:
        return await self._run(self._writing, work)

    async def _read(self, work: Callable[[], _T]) -> _T:
        return await self._run(self._reading, work)

    async def _run(self, executor: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(executor, _guarded(work))

    def _commit(self, rows: Sequence[AcceptedRow], received_at: datetime) -> list[Outcome]:
        utc = received_at.astimezone(UTC)
        try:
            with transaction(self._writer):
                outcomes, fresh = self._sort_out(rows)
                self._archive.add(
                    day_of(utc), (row.picture for _, row, _ in fresh if row.picture is not None)
                )
                self._insert(fresh, utc)
        except BaseException:
            self._books.forget()
            raise
        return outcomes

    def _sort_out(
        self, rows: Sequence[AcceptedRow]
    ) -> tuple[list[Outcome], list[tuple[bytes, AcceptedRow, int]]]:
        """The outcome of each row, and those that are new with their key and record id."""
        keys = [_key_of(row) for row in rows]
        known = _known(self._writer, keys)
        highest: Any = self._writer.execute(_HIGHEST).fetchone()
        last_id: dict[Table, int] = dict(zip(TARGETS, highest, strict=True))
        outcomes: list[Outcome] = []
        fresh: list[tuple[bytes, AcceptedRow, int]] = []
        for key, row in zip(keys, rows, strict=True):
            held = known.get(key)
            if held is None:
                table = row.table
                last_id[table] += 1
                record_id = last_id[table]
                known[key] = (record_id, row.fingerprint)
                fresh.append((key, row, record_id))
                outcomes.append(Stored(record_id, False, self._books.stored(row, is_new=True)))
            elif held[1] == row.fingerprint:
                outcomes.append(Stored(held[0], True, self._books.stored(row, is_new=False)))
            else:
                outcomes.append(Conflict(held[0]))
        return outcomes, fresh

    def _insert(self, fresh: list[tuple[bytes, AcceptedRow, int]], utc: datetime) -> None:
        at = text_of(utc)
        unix_s = int(utc.timestamp())
        records: dict[Table, list[tuple[object, ...]]] = {}
        ledger = []
        for key, row, record_id in fresh:
            table = row.table
            records.setdefault(table, []).append(record_of(row, record_id, at))
            camera = self._books.enter(row, at)
            ledger.append((key, camera, TARGETS[table].number, record_id, row.fingerprint, unix_s))
        for table, values in records.items():
            self._writer.executemany(_INSERTS[table], values)
        self._writer.executemany(_LEDGER, ledger)
        self._books.close_group(at)

    def _note_token_use(self, names: Collection[str], now: datetime) -> None:
        with transaction(self._notes):
            tokens.note_use(self._notes, names, now)

    def _greet(self, hello: Hello, now: datetime) -> Held:
        utc = now.astimezone(UTC)
        with transaction(self._notes):
            books.greet(self._notes, hello, utc)
            last_sequence, rows_stored = books.held(self._notes, hello.device_id, hello.epoch)
            known_run = runs.first_known(self._notes, hello.runs)
            runs.note_run(self._notes, self._run_name, utc)
        return Held(
            last_sequence=last_sequence,
            rows_stored=rows_stored,
            run=self._run_name,
            known_run=known_run,
        )

    def _keep_minutes(self, works: Mapping[str, Work]) -> None:
        with transaction(self._notes):
            write_minutes(self._notes, works)

    def _record_stats(self, stats: ServerStats, now: datetime) -> None:
        with transaction(self._notes):
            self._notes.execute(
                "INSERT INTO server_stats (timestamp, total_connections, active_connections, "
                "messages_received, messages_processed, errors) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    text_of(now),
                    stats.total_connections,
                    stats.active_connections,
                    stats.messages_received,
                    stats.messages_processed,
                    stats.errors,
                ),
            )


def _key_of(row: AcceptedRow) -> bytes:
    """The row's id as the ledger has it."""
    return bytes.fromhex(row.id.replace("-", ""))


def _known(connection: apsw.Connection, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
    """Record id and fingerprint of those that the ledger has."""
    if not keys:
        return {}
    found: Any = connection.execute(
        _KNOWN, (apsw.carray(tuple(keys), flags=apsw.SQLITE_CARRAY_BLOB),)
    )
    return {key: (record_id, fingerprint) for key, record_id, fingerprint in found}


def _guarded(work: Callable[[], _T]) -> Callable[[], _T]:
    def run() -> _T:
        with storage_errors():
            return work()

    return run
