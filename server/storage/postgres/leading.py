"""What one process of several does: whoever holds an advisory lock, as long as it holds it.

The lock ends with its session, so that another process takes over from one that dies or stands
still. For a moment both may be at it, one not knowing yet that its session is lost: what they write
allows for that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import IntEnum
from functools import partial
from typing import Final

import asyncpg
import structlog

from server.errors import ServerError
from server.storage.postgres.connection import STILL_S, Connection, opened
from server.storage.postgres.failures import storage_errors
from server.supervision import Work, beside

TURN_S: Final = 2.0
"""So often it is asked whether the place is free, and whether the session is still there."""
_TRY: Final = "SELECT pg_try_advisory_lock($1)"
_CLOSE_S: Final = 2.0

_log = structlog.get_logger(__name__)


class Duty(IntEnum):
    """The numbers of the locks ("SPOST" and a byte, as those of subjects)."""

    ALERTS = 0x53504F535490
    EGRESS = 0x53504F535491
    FACES = 0x53504F535492


class Leading:
    """On connections of its own. `turn_s` is how long another process takes to notice, `still_s`
    how long one that says nothing keeps a duty."""

    def __init__(self, url: str, *, turn_s: float = TURN_S, still_s: float = STILL_S) -> None:
        self._url = url
        self._turn_s = turn_s
        self._still_s = still_s

    def led(self, duty: Duty, works: Mapping[str, Work]) -> Mapping[str, Work]:
        """Works that wait until this process holds the duty; none of none."""
        return {f"duty of {duty.name.lower()}": partial(self._hold, duty, works)} if works else {}

    async def _hold(self, duty: Duty, works: Mapping[str, Work]) -> None:
        """Until it is cancelled."""
        while True:
            try:
                async with self._appointed(duty) as connection, beside(works):
                    _log.info("this process does it", duty=duty.name.lower())
                    await self._stay(connection)
            except ServerError as error:
                _log.warning("a duty is lost", duty=duty.name.lower(), reason=str(error))
            await asyncio.sleep(self._turn_s)

    @asynccontextmanager
    async def _appointed(self, duty: Duty) -> AsyncIterator[Connection]:
        """Asks again and again: waiting in the database would keep it from tidying up."""
        connection = await opened(self._url, idle_s=self._still_s)
        try:
            with storage_errors():
                while not await connection.fetchval(_TRY, duty.value):  # noqa: ASYNC110 (see above)
                    await asyncio.sleep(self._turn_s)
            yield connection
        finally:
            with contextlib.suppress(
                asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError
            ):
                await connection.close(timeout=_CLOSE_S)

    async def _stay(self, connection: Connection) -> None:
        """Until the session is lost, which raises StorageUnavailable."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        while True:
            with storage_errors():
                await connection.execute("SELECT 1", timeout=self._turn_s)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._turn_s):
                    await lost.wait()
