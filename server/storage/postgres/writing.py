"""Short changes on a thread, in a transaction each: whatever people put right and note down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from enum import IntEnum
from typing import Any, Final

from server.errors import StorageUnavailable
from server.storage.askable import check
from server.storage.asking import T, Values, Writer
from server.storage.postgres.connection import Connection
from server.storage.postgres.pool import Pool, acquired
from server.storage.postgres.readers import PostgresReader, in_order
from wire.errors import ErrorCode

LONGEST_S: Final = 20.0
"""A change is broken off then, and nothing of it done."""
MOST_WAITING: Final = 200
"""Changes of one subject in one process; whoever comes after them is refused and may ask again."""


class Subject(IntEnum):
    """What is changed: the number of the advisory lock by which processes take turns ("SPOST" and a
    byte; those of seats.py lie below)."""

    ACCOUNTS = 0x53504F535480
    CORRECTIONS = 0x53504F535482
    WATCHLISTS = 0x53504F535483
    ALERTS = 0x53504F535484
    CHANNELS = 0x53504F535485
    FACES = 0x53504F535486


class PostgresWriter(PostgresReader):
    """Implements Writer for one change."""

    def change(self, sql: str, values: Values | tuple[Any, ...] = ()) -> int:
        text, arguments = in_order(sql, values)
        said: str = self._done(
            lambda left_s: self._connection.execute(text, *arguments, timeout=left_s)
        )
        return int(said.rpartition(" ")[2])  # such as UPDATE 3, INSERT 0 1

    def change_each(self, sql: str, many: Sequence[tuple[Any, ...]]) -> None:
        text, _ = in_order(sql, ())
        for values in many:
            check(values)
        self._done(lambda left_s: self._connection.executemany(text, many, timeout=left_s))


async def changed(
    connection: Connection,
    subject: Subject,
    work: Callable[[Writer], T],
    *,
    executor: Executor | None = None,
    waits_for_disk: bool = True,
) -> T:
    """What `work` returns, on a thread of `executor`, when it is committed."""
    loop = asyncio.get_running_loop()
    async with connection.transaction():
        if not waits_for_disk:
            await connection.execute("SET LOCAL synchronous_commit = off")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", subject.value)
        writer = PostgresWriter(connection, loop, longest_s=LONGEST_S)
        return await loop.run_in_executor(executor, work, writer)


class PostgresWriting:
    """Implements Writing. The pool belongs to whoever made it."""

    def __init__(
        self,
        pool: Pool,
        subject: Subject,
        *,
        waits_for_disk: bool = True,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Not `waits_for_disk`: a power cut may take the changes of the last second."""
        self._most_waiting = most_waiting
        self._pool = pool
        self._subject = subject
        self._waits_for_disk = waits_for_disk
        self._executor = ThreadPoolExecutor(
            1, thread_name_prefix=f"sightpost-{subject.name.lower()}"
        )
        self._turn = asyncio.Lock()
        self._in_hand: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def write(self, work: Callable[[Writer], T]) -> T:
        if self._is_closed:
            raise self._refusal("the server is stopping")
        if len(self._in_hand) >= self._most_waiting:
            raise self._refusal(f"{self._most_waiting} changes wait already: try again in a moment")
        writing = asyncio.ensure_future(self._write(work))
        self._in_hand.add(writing)
        writing.add_done_callback(self._has_ended)
        self._pool.carries_out(writing)
        return await asyncio.shield(writing)

    async def _write(self, work: Callable[[Writer], T]) -> T:
        async with self._turn, acquired(self._pool) as connection:
            return await changed(
                connection,
                self._subject,
                work,
                executor=self._executor,
                waits_for_disk=self._waits_for_disk,
            )

    def close(self) -> None:
        """Changes that were begun go on, also those that wait for their turn: the pool waits for
        them when it is closed. Idempotent."""
        self._is_closed = True
        self._end()

    def _has_ended(self, writing: asyncio.Task[Any]) -> None:
        self._in_hand.discard(writing)
        self._end()

    def _end(self) -> None:
        if self._is_closed and not self._in_hand:
            self._executor.shutdown(wait=False)  # it needs the loop

    def _refusal(self, said: str) -> StorageUnavailable:
        return StorageUnavailable(
            ErrorCode.BUSY, f"{self._subject.name.lower()}: {said}", retry_after_s=1.0
        )
