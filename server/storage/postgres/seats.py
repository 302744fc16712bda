"""Who is at work on a database: any number that take rows, one that shows pages, one that gives up
what is old; or one that moves rows in. Held as advisory locks of a session, which end with it,
however it ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from server.errors import StartRefused
from server.storage.postgres.connection import Connection, opened, place_of

_ROWS: Final = 0x53504F5355
_PAGES: Final = 0x53504F5356
_OLD_ROWS: Final = 0x53504F5357


@contextlib.asynccontextmanager
async def taken(url: str, *, takes_rows: bool, shows_pages: bool) -> AsyncIterator[None]:
    """A place for a process of the server. Raises StartRefused where there is none."""
    connection = await opened(url)
    try:
        if takes_rows:
            await _take(
                connection,
                "SELECT pg_try_advisory_lock_shared($1)",
                _ROWS,
                f"rows are moved into {place_of(url)} just now (migrate-store): start again when "
                "that is done; cameras keep theirs meanwhile",
            )
            await refuse_half_moved(connection, url)
        if shows_pages:
            await _take(
                connection,
                "SELECT pg_try_advisory_lock($1)",
                _PAGES,
                f"another server shows the pages of {place_of(url)}, and accounts are its own: "
                "start this one with --role ingest, or stop that one first",
            )
        yield
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def alone(url: str) -> AsyncIterator[None]:
    """No process takes rows meanwhile, nor moves any. Raises StartRefused."""
    connection = await opened(url)
    try:
        await _take(
            connection,
            "SELECT pg_try_advisory_lock($1)",
            _ROWS,
            f"a server takes rows into {place_of(url)}: stop it first (all with --role ingest, and "
            "the one with the pages); cameras keep their rows meanwhile",
        )
        yield
    finally:
        await connection.close()


async def refuse_half_moved(connection: Connection, url: str) -> None:
    """Raises StartRefused where rows are still to come: their ids would be given to others, and
    late duplicates of them taken for new."""
    if await connection.fetchval("SELECT to_regclass('store_move') IS NOT NULL"):
        raise StartRefused(
            f"a move of rows into {place_of(url)} has not ended well: run migrate-store again "
            "first; cameras keep their rows meanwhile"
        )


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
    if not await connection.fetchval(statement, lock):
        raise StartRefused(refusal)
