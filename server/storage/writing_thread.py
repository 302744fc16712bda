"""A thread with a connection for short writes beside the writer of rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from server.storage.connection import open_second_writer, storage_errors, transaction

_T = TypeVar("_T")


class WritingThread:
    """Its connection opens with the first write. One write at a time, in order."""

    def __init__(self, path: Path, *, name: str) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"sightpost-{name}")
        self._connection: apsw.Connection | None = None

    async def write(self, work: Callable[[apsw.Connection], _T]) -> _T:
        """What `work` does, all of it or nothing; on disk when this returns.

        Raises StorageUnavailable, GroupRefused and what `work` raises.
        """

        def run() -> _T:
            with storage_errors():
                if self._connection is None:
                    self._connection = open_second_writer(self._path)
                with transaction(self._connection):
                    return work(self._connection)

        return await asyncio.get_running_loop().run_in_executor(self._executor, run)

    def close(self) -> None:
        """Waits for the write in hand; idempotent."""
        self._executor.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
