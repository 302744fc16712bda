"""Connections that can only read, each on a thread of its own: they never hold up the writer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import apsw

from server.errors import StorageUnavailable, TookTooLong
from server.storage import asking
from server.storage.asking import LONGEST_S, T, Values
from server.storage.connection import open_reader
from server.storage.dialect import SQLITE, SqliteDialect
from server.storage.sqlite_statements import SqliteStatements
from wire.errors import ErrorCode

THREADS: Final = 3
_STEPS_BETWEEN_LOOKS: Final = 10_000
_CACHE_KB: Final = 16_384


class Reader(SqliteStatements):
    """One question's view of a connection. Statements run one after the other, each in its own
    short transaction. A read that goes on for long would keep the write-ahead log from being moved.
    """

    def __init__(self, connection: apsw.Connection, *, longest_s: float) -> None:
        super().__init__(connection)
        self.longest_s = longest_s
        self._ends_s = time.monotonic() + longest_s
        self.is_dropped = False

    @property
    def is_over(self) -> bool:
        return self.is_dropped or time.monotonic() > self._ends_s

    def _execute(self, sql: str, values: Values | tuple[Any, ...]) -> apsw.Cursor:
        if self.is_over:
            raise apsw.InterruptError("no statement begins when the time is over")
        return super()._execute(sql, values)


class ReaderPool:
    """A few threads with a connection each; connections open with their thread's first question."""

    dialect: SqliteDialect = SQLITE

    def __init__(self, path: Path, *, threads: int = THREADS, cache_kb: int = _CACHE_KB) -> None:
        """`cache_kb`: what SQLite keeps of the database for each thread, at most."""
        self._path = path
        self._cache_kb = cache_kb
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="sightpost-show")
        self._mine = threading.local()
        self._connections: list[apsw.Connection] = []
        self._lock = threading.Lock()

    async def ask(self, work: Callable[[asking.Reader], T], *, longest_s: float = LONGEST_S) -> T:
        """What `work` returns, on a thread. Whoever gives up waiting ends the work too.

        Raises TookTooLong, StorageUnavailable, and what `work` raises.
        """
        asked: list[Reader] = []
        gone = threading.Event()

        def answer() -> T:
            reader = Reader(self._connection(), longest_s=longest_s)
            asked.append(reader)
            reader.is_dropped = gone.is_set()
            return self._answer(reader, work)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, answer)
        except asyncio.CancelledError:
            gone.set()
            for reader in asked:
                reader.is_dropped = True
            raise

    def close(self) -> None:
        """Waits for the questions in hand; idempotent."""
        self._executor.shutdown(wait=True)
        with self._lock:
            while self._connections:
                self._connections.pop().close()

    def _answer(self, reader: Reader, work: Callable[[asking.Reader], T]) -> T:
        self._mine.reader = reader
        try:
            return work(reader)
        except apsw.InterruptError as error:
            raise TookTooLong(
                f"the answer took longer than {reader.longest_s:g} s: ask for a shorter time, one "
                "camera, or less at once"
            ) from error
        except (apsw.SQLError, apsw.BindingsError):
            raise
        except apsw.Error as error:
            raise StorageUnavailable(
                ErrorCode.STORAGE_FAILED, f"{self._path} cannot be read: {error}", retry_after_s=5.0
            ) from error
        finally:
            self._mine.reader = None

    def _connection(self) -> apsw.Connection:
        held: apsw.Connection | None = getattr(self._mine, "connection", None)
        if held is not None:
            return held
        try:
            connection = open_reader(self._path)
        except apsw.Error as error:
            raise StorageUnavailable(
                ErrorCode.STORAGE_FAILED, f"{self._path} cannot be read: {error}", retry_after_s=5.0
            ) from error
        connection.pragma("cache_size", -self._cache_kb)
        connection.set_progress_handler(self._is_over, _STEPS_BETWEEN_LOOKS)
        self._mine.connection = connection
        with self._lock:
            self._connections.append(connection)
        return connection

    def _is_over(self) -> bool:
        reader: Reader | None = getattr(self._mine, "reader", None)
        return reader is not None and reader.is_over
