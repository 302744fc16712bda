"""The face gallery's rows in PostgreSQL, for threads. Implements the gallery's GalleryDatabase."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from server.storage.asking import Reader, T, Writer
from server.storage.postgres.pool import Pool, acquired
from server.storage.postgres.readers import PostgresReader
from server.storage.postgres.writing import Subject, changed

THREADS: Final = 3
"""As many as read and write at once."""
LONGEST_S: Final = 60.0
"""Reading all that is enrolled takes this, at most, where it is much."""


class PostgresGalleryDatabase:
    """Pools belong to whoever made them; their event loop has to run while this is asked, from
    threads beside it."""

    def __init__(
        self, pool: Pool, loop: asyncio.AbstractEventLoop, *, pages: Pool | None = None
    ) -> None:
        """`pages` is what is read on; None: the same pool."""
        self._pool = pool
        self._pages = pages or pool
        self._loop = loop
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="sightpost-gallery-rows")

    def read(self, work: Callable[[Reader], T]) -> T:
        return self._on_loop(self._read(work))

    def change(self, work: Callable[[Writer], T]) -> T:
        return self._on_loop(self._change(work))

    def close(self) -> None:
        self._executor.shutdown()

    async def _read(self, work: Callable[[Reader], T]) -> T:
        async with (
            acquired(self._pages) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            reader = PostgresReader(connection, self._loop, longest_s=LONGEST_S)
            return await self._loop.run_in_executor(self._executor, work, reader)

    async def _change(self, work: Callable[[Writer], T]) -> T:
        async with acquired(self._pool) as connection:
            return await changed(connection, Subject.FACES, work, executor=self._executor)

    def _on_loop(self, asked: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()
