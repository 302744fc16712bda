"""Questions on threads, their statements on the connections of the event loop.

What reads is written once for both databases, as functions that call one statement after the other;
the loop only passes statements on, so that one driver and one pool serve cameras and people.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Final

import asyncpg

from server.errors import TookTooLong
from server.storage.askable import check
from server.storage.asking import LONGEST_S, Reader, T, Values
from server.storage.postgres.connection import Connection
from server.storage.postgres.dialect import POSTGRES, PostgresDialect
from server.storage.postgres.pool import Pool, acquired

THREADS: Final = 4
_NAMED: Final = re.compile(r"(?<!:):([a-z_]+[0-9]*)|\?")


class _Dropped(Exception):
    """Nobody waits for the answer any more."""


class PostgresReader:
    """Implements Reader for one question, on a thread beside the event loop, where `connection`
    is at home."""

    dialect: Final = POSTGRES

    def __init__(
        self, connection: Connection, loop: asyncio.AbstractEventLoop, *, longest_s: float
    ) -> None:
        self._connection = connection
        self._loop = loop
        self._longest_s = longest_s
        self._ends_s = time.monotonic() + longest_s
        self._is_dropped = False
        self._in_hand: Future[Any] | None = None

    def rows(self, sql: str, values: Values | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return [tuple(record) for record in self._fetch(sql, values)]

    def row(self, sql: str, values: Values | tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        records = self._fetch(sql, values)
        return tuple(records[0]) if records else None

    def rows_of(self, sql: str, values: Values | tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        return [dict(record) for record in self._fetch(sql, values)]

    def drop(self) -> None:
        """Ends the statement in hand, and the question with it. Called on the event loop."""
        self._is_dropped = True
        if self._in_hand is not None:
            self._in_hand.cancel()

    def _fetch(self, sql: str, values: Values | tuple[Any, ...]) -> list[Any]:
        text, arguments = in_order(sql, values)
        found: list[Any] = self._done(
            lambda left_s: self._connection.fetch(text, *arguments, timeout=left_s)
        )
        return found

    def _done(self, statement: Callable[[float], Coroutine[Any, Any, Any]]) -> Any:
        """What the statement says, within the seconds that it is given."""
        left_s = self._ends_s - time.monotonic()
        if self._is_dropped:
            raise _Dropped
        if left_s <= 0:
            raise self._took_too_long()
        self._in_hand = asyncio.run_coroutine_threadsafe(statement(left_s), self._loop)
        try:
            return self._in_hand.result()
        except (TimeoutError, asyncpg.QueryCanceledError) as error:
            raise self._took_too_long() from error

    def _took_too_long(self) -> TookTooLong:
        return TookTooLong(
            f"the answer took longer than {self._longest_s:g} s: ask for a shorter time, one "
            "camera, or less at once"
        )


class PostgresReaders:
    """Implements Readers. The pool belongs to whoever made it."""

    dialect: PostgresDialect = POSTGRES

    def __init__(self, pool: Pool, *, threads: int = THREADS) -> None:
        self._pool = pool
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="sightpost-show")
        self._places = asyncio.Semaphore(threads)

    async def ask(self, work: Callable[[Reader], T], *, longest_s: float = LONGEST_S) -> T:
        loop = asyncio.get_running_loop()
        async with self._place(), acquired(self._pool) as connection:
            reader = PostgresReader(connection, loop, longest_s=longest_s)
            answering = loop.run_in_executor(self._executor, work, reader)
            try:
                return await asyncio.shield(answering)
            except asyncio.CancelledError:
                reader.drop()
                await asyncio.wait([answering])  # the connection is its own until then
                raise

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._pool.wait_s):
                await self._places.acquire()
        except TimeoutError:
            raise self._pool.full() from None
        try:
            yield
        finally:
            self._places.release()

    def close(self) -> None:
        """Questions in hand go on, for which the pool waits when it is closed. Idempotent."""
        self._executor.shutdown(wait=False)  # they need the loop


@lru_cache(maxsize=512)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """The statement with $1, $2, ... and the names that these stand for, '' for each `?`."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1] or ""
        if not name or name not in names:
            names.append(name)
            return f"${len(names)}"
        return f"${names.index(name) + 1}"

    return _NAMED.sub(number, sql), tuple(names)


def in_order(sql: str, values: Values | tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The statement as PostgreSQL counts its values, and these. Pure. Raises QuestionInvalid."""
    check(values)
    text, names = _numbered(sql)
    if isinstance(values, tuple):
        return text, values
    return text, tuple(values[name] for name in names)
