"""A thread with a connection to SQLite for short writes beside the writer of rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from server.storage.asking import Writer
from server.storage.connection import open_second_writer, storage_errors, transaction
from server.storage.sqlite_statements import SqliteWriter

_T = TypeVar("_T")
Opening = Callable[[Path], apsw.Connection]


class WritingThread:
    """Its connection opens with the first write. One write at a time, in order."""

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        opening: Opening = open_second_writer,
    ) -> None:
        self._path = path
        self._opening = opening
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"sightpost-{name}")
        self._connection: apsw.Connection | None = None

    async def write(self, work: Callable[[apsw.Connection], _T]) -> _T:
        """What `work` does, all of it or nothing; on disk when this returns.

        Raises StorageUnavailable, GroupRefused and what `work` raises.
        """

        def run() -> _T:
            with storage_errors():
                if self._connection is None:
                    self._connection = self._opening(self._path)
                with transaction(self._connection):
                    return work(self._connection)

        return await asyncio.get_running_loop().run_in_executor(self._executor, run)

    def close(self) -> None:
        """Waits for the write in hand; idempotent."""
        self._executor.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SqliteWriting:
    """Implements Writing."""

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        opening: Opening = open_second_writer,
    ) -> None:
        self._thread = WritingThread(path, name=name, opening=opening)

    async def write(self, work: Callable[[Writer], _T]) -> _T:
        return await self._thread.write(lambda connection: work(SqliteWriter(connection)))

    def close(self) -> None:
        self._thread.close()
