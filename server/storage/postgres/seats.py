"""Who is at work on a database: any number of servers, one that gives up what is old; or one that
moves rows in. Held as advisory locks of a session, which end with it, however it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import structlog

from db.migrations import SERVER_POSTGRES, MigrationFailed, lacking
from server.errors import ServerError, StartRefused
from server.storage.postgres.connection import STILL_S, Connection, opened, place_of
from server.storage.postgres.failures import storage_errors
from server.storage.postgres.standstill import end_stalled
from server.supervision import beside

_ROWS: Final = 0x53504F5355
_OLD_ROWS: Final = 0x53504F5357
LOOK_S: Final = 20.0
"""So often a quiet session is asked whether it is still one, and whose stand still."""
RETRY_S: Final = 1.0
_CLOSE_S: Final = 2.0
_LOST: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

_log = structlog.get_logger(__name__)


class Seat:
    """A server's place, taken again where its session is lost: PostgreSQL was restarted, or a line
    was cut. Until then the server takes no rows, for somebody may move some in.

    Whoever keeps one also ends the sessions of processes that stand still.
    """

    def __init__(
        self, url: str, connection: Connection, *, retry_s: float, look_s: float, still_s: float
    ) -> None:
        self._url = url
        self._connection = connection
        self._retry_s = retry_s
        self._look_s = look_s
        self._still_s = still_s
        self._look_now = asyncio.Event()
        self._watch()

    @property
    def is_held(self) -> bool:
        return not self._connection.is_closed()

    async def keep(self) -> None:
        """Until it is cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_s):
                    await self._look_now.wait()
            self._look_now.clear()
            if not await self._answers():
                await self._take_again()

    async def close(self) -> None:
        await _close(self._connection)

    def _watch(self) -> None:
        self._connection.add_termination_listener(lambda _: self._look_now.set())

    async def _answers(self) -> bool:
        try:
            ended = await end_stalled(self._connection, still_s=self._still_s)
        except _LOST:
            await _close(self._connection)
            return False
        if ended:
            _log.warning("sessions of a process that stands still were ended", sessions=ended)
        return True

    async def _take_again(self) -> None:
        reason = ""
        while not self.is_held:
            try:
                self._connection = await _seated(self._url)
            except ServerError as error:
                if str(error) != reason:
                    _log.warning("no place on the database, no rows are taken", reason=str(error))
                reason = str(error)
                await asyncio.sleep(self._retry_s)
        self._watch()
        _log.info("the place on the database is taken again")


@contextlib.asynccontextmanager
async def taken(
    url: str, *, retry_s: float = RETRY_S, look_s: float = LOOK_S, still_s: float = STILL_S
) -> AsyncIterator[Seat]:
    """A place for a process of the server. Raises StartRefused where there is none."""
    connection = await _seated(url)
    seat = Seat(url, connection, retry_s=retry_s, look_s=look_s, still_s=still_s)
    try:
        async with beside({"place on the database": seat.keep}):
            yield seat
    finally:
        await seat.close()


async def _seated(url: str) -> Connection:
    """A session with a place. Raises StartRefused, StorageUnavailable."""
    connection = await opened(url)
    try:
        await _take(
            connection,
            "SELECT pg_try_advisory_lock_shared($1)",
            _ROWS,
            f"rows are moved into {place_of(url)} just now (migrate-store): start again when "
            "that is done; cameras keep theirs meanwhile",
        )
        await refuse_half_moved(connection, url)
        await _refuse_newer(connection, url)
    except BaseException:
        await _close(connection)
        raise
    return connection


async def _close(connection: Connection) -> None:
    with contextlib.suppress(*_LOST):
        await connection.close(timeout=_CLOSE_S)


@contextlib.asynccontextmanager
async def alone(url: str) -> AsyncIterator[None]:
    """No process takes rows meanwhile, nor moves any. Raises StartRefused."""
    connection = await opened(url)
    try:
        await _take(
            connection,
            "SELECT pg_try_advisory_lock($1)",
            _ROWS,
            f"a server is at work on {place_of(url)}: stop all first, those with --role ingest and "
            "those with pages; cameras keep their rows meanwhile",
        )
        yield
    finally:
        await connection.close()


async def refuse_beside_servers(connection: Connection, url: str) -> None:
    """Nobody takes a place until the transaction of `connection` ends. Raises StartRefused where
    somebody has one: a server of an older version does not know what it would find, nor say what
    newer ones rely on."""
    await _take(
        connection,
        "SELECT pg_try_advisory_xact_lock($1)",
        _ROWS,
        f"{place_of(url)} is to be brought to this version while processes of an older one are at "
        "work on it: stop all first, those with --role ingest, those with pages and a 'prune'; "
        "cameras keep their rows meanwhile",
    )


async def refuse_half_moved(connection: Connection, url: str) -> None:
    """Raises StartRefused where rows are still to come: their ids would be given to others, and
    late duplicates of them taken for new."""
    with storage_errors():
        is_half = await connection.fetchval("SELECT to_regclass('store_move') IS NOT NULL")
    if is_half:
        raise StartRefused(
            f"a move of rows into {place_of(url)} has not ended well: run migrate-store again "
            "first; cameras keep their rows meanwhile"
        )


async def _refuse_newer(connection: Connection, url: str) -> None:
    """Raises StartRefused where a newer version came while this process had no place."""
    with storage_errors():
        have = await connection.fetchval("SELECT max(number) FROM sightpost_schema")
    try:
        lacking(have, SERVER_POSTGRES, place=place_of(url))
    except MigrationFailed as error:
        raise StartRefused(f"{error}; cameras keep their rows meanwhile") from error


@contextlib.asynccontextmanager
async def pruning(url: str) -> AsyncIterator[None]:
    """Nobody else gives up old rows meanwhile, and none are moved in; servers may run. Raises
    StartRefused."""
    connection = await opened(url)
    try:
        await _take(
            connection,
            "SELECT pg_try_advisory_lock_shared($1)",
            _ROWS,
            f"rows are moved into {place_of(url)} now (migrate-store): prune when that is done",
        )
        await _take(
            connection,
            "SELECT pg_try_advisory_lock($1)",
            _OLD_ROWS,
            f"old rows of {place_of(url)} are given up by another 'prune' just now: wait for its "
            "end",
        )
        await refuse_half_moved(connection, url)
        yield
    finally:
        await connection.close()


async def _take(connection: Connection, statement: str, lock: int, refusal: str) -> None:
    with storage_errors():
        is_taken = await connection.fetchval(statement, lock)
    if not is_taken:
        raise StartRefused(refusal)
