"""Connections to PostgreSQL that are shared: at most so many, and whoever finds all in use waits
`WAIT_S` and is refused then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, cast

import asyncpg

from server.errors import StorageUnavailable
from server.storage.postgres.connection import (
    ANSWER_S,
    CONNECT_S,
    NO_DATABASE,
    SETTINGS,
    Connection,
    prepare,
    refused,
)
from server.storage.postgres.failures import storage_errors
from wire.errors import ErrorCode

WAIT_S: Final = 10.0
QUESTION_S: Final = 65
"""The database ends a question then whatever became of the process that asked it; processes break
their own off before (`longest_s`)."""
_LAST_CHANGES_S: Final = 25.0
"""How long a pool waits, when it is closed, for changes that were begun."""
_RETRY_S: Final = 5.0
_READS_ONLY: Final = {
    "statement_timeout": f"{QUESTION_S}s",
    "default_transaction_read_only": "on",
}


class Pool:
    """Lives on the event loop. `name` and `setting` are for people: whose connections these are,
    and where their number is written."""

    def __init__(
        self, pool: asyncpg.Pool[Any], *, name: str, setting: str, wait_s: float = WAIT_S
    ) -> None:
        self._pool = pool
        self._in_hand: set[asyncio.Task[Any]] = set()
        self._setting = setting
        self.name = name
        self.wait_s = wait_s
        self.refused = 0

    @property
    def most(self) -> int:
        return self._pool.get_max_size()

    @property
    def busy(self) -> int:
        """Connections in use."""
        return self._pool.get_size() - self._pool.get_idle_size()

    def full(self) -> StorageUnavailable:
        """What somebody is told who waited for nothing; counted."""
        self.refused += 1
        return StorageUnavailable(
            ErrorCode.BUSY,
            f"all {self.most} connections to the database for {self.name} are in use, and none "
            f"came free within {self.wait_s:g} s: try again in a moment, and where that happens "
            f"often write a larger {self._setting}",
            retry_after_s=_RETRY_S,
        )

    def carries_out(self, change: asyncio.Task[Any]) -> None:
        """It is waited for before the connections are closed."""
        self._in_hand.add(change)
        change.add_done_callback(self._in_hand.discard)

    async def take(self) -> Any:
        try:
            return await self._pool.acquire(timeout=self.wait_s)
        except TimeoutError:
            if self._pool.get_size() < self.most:
                raise  # it is the database that does not answer
            raise self.full() from None

    async def give_back(self, connection: Any) -> None:
        await self._pool.release(connection)

    async def close(self) -> None:
        """Waits for changes in hand, and for whoever has a connection."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=_LAST_CHANGES_S)
        await self._pool.close()


@contextlib.asynccontextmanager
async def opened_pool(
    url: str,
    *,
    connections: int,
    name: str = "rows",
    setting: str = "SERVER_DATABASE_CONNECTIONS",
    wait_s: float = WAIT_S,
    reads_only: bool = False,
) -> AsyncIterator[Pool]:
    """At most so many connections; those of one that `reads_only` open with the first questions.
    Others raise StartRefused where there is no database."""
    try:
        made: asyncpg.Pool[Any] = await asyncpg.create_pool(
            url,
            min_size=0 if reads_only else 1,
            max_size=connections,
            timeout=CONNECT_S,
            command_timeout=ANSWER_S,
            init=prepare,
            server_settings=SETTINGS | (_READS_ONLY if reads_only else {}),
        )
    except NO_DATABASE as error:
        raise refused(url, error) from error
    pool = Pool(made, name=name, setting=setting, wait_s=wait_s)
    try:
        yield pool
    finally:
        await pool.close()


@contextlib.asynccontextmanager
async def acquired(pool: Pool) -> AsyncIterator[Connection]:
    """One of the pool's connections. Raises StorageUnavailable, GroupRefused for what goes on in
    it."""
    with storage_errors():
        connection = await pool.take()
        try:
            yield cast("Connection", connection)  # a proxy of it, until it is given back
        finally:
            await pool.give_back(connection)
