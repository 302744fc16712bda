"""Bells that ring in every process on one PostgreSQL, by LISTEN and NOTIFY.

A ring says only that there may be something to read: what there is, everybody reads from the
tables, from a position of their own. Rings that nobody heard, while a connection was lost, cost
time alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import structlog

from server.bell import Bell, Topic
from server.errors import ServerError
from server.storage.postgres.connection import Connection, opened
from server.storage.postgres.failures import storage_errors

_CHANNEL: Final = "sightpost"
RETRY_S: Final = 1.0
_CLOSE_S: Final = 2.0
LOOK_S: Final = 20.0
"""So often a quiet connection is asked whether it is still one."""

_LOST: Final = (asyncpg.InterfaceError, OSError, TimeoutError)

_log = structlog.get_logger(__name__)


class SharedBell(Bell):
    """Rung here, it rings at once here and then in the other processes; `hear` rings it here."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell

    def ring(self) -> None:
        self.hear()
        self._tell()

    def hear(self) -> None:
        super().ring()


class News:
    """One for a process, on a connection of its own. Lives on the event loop.

    Rings that come while one is told are told together: no group of rows waits for it, and one
    process tells at most one at a time.
    """

    def __init__(self, url: str, *, listens: bool, retry_s: float = RETRY_S) -> None:
        self._url = url
        self._retry_s = retry_s
        self._listens = listens
        self._bells: dict[Topic, SharedBell] = {}
        self._untold: set[Topic] = set()
        self._has_work = asyncio.Event()

    def bell(self, topic: Topic) -> Bell:
        """The same each time."""
        if topic not in self._bells:
            self._bells[topic] = SharedBell(lambda: self._have_told(topic))
        return self._bells[topic]

    async def run(self) -> None:
        """Until it is cancelled."""
        is_known = False
        while True:
            try:
                async with self._connected() as connection:
                    if is_known:
                        _log.info("other processes are heard and told again")
                        is_known = False
                    for bell in self._bells.values():
                        bell.hear()  # whatever was told while nobody listened
                    await self._tell(connection)
            except ServerError as error:
                if not is_known:
                    _log.warning("other processes are not heard or told", reason=str(error))
                is_known = True
            await asyncio.sleep(self._retry_s)

    def _have_told(self, topic: Topic) -> None:
        self._untold.add(topic)
        self._has_work.set()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        connection = await opened(self._url)
        try:
            connection.add_termination_listener(lambda _: self._has_work.set())
            with storage_errors():
                # a ring that a power cut takes tells of rows that everybody looks for anyway
                await connection.execute("SET synchronous_commit = off")
                if self._listens:
                    await connection.add_listener(_CHANNEL, self._heard)
            yield connection
        finally:
            with contextlib.suppress(asyncpg.PostgresError, *_LOST):
                await connection.close(timeout=_CLOSE_S)

    async def _tell(self, connection: Connection) -> None:
        """Until the connection is lost, which raises StorageUnavailable."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._has_work.wait()
            self._has_work.clear()
            with storage_errors():
                await self._say(connection)

    async def _say(self, connection: Connection) -> None:
        topics, self._untold = sorted(self._untold), set()
        try:
            sql = "SELECT pg_notify($1, topic) FROM unnest($2::text[]) AS t (topic)"
            await connection.execute(sql, _CHANNEL, topics)
        except BaseException:
            self._untold.update(topics)
            raise

    def _heard(self, connection: Any, sender: int, channel: str, topic: object) -> None:
        """What this process told itself rang already."""
        del channel
        if sender == connection.get_server_pid():
            return
        for known, bell in self._bells.items():
            if known == topic:
                bell.hear()
