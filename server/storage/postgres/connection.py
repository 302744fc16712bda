"""How this program reaches PostgreSQL: a bounded pool, and connections that read ids as texts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, TypeAlias, cast

import asyncpg

from server.errors import StartRefused
from server.storage.postgres.failures import storage_errors
from settings.showing import hide_credentials

Connection: TypeAlias = "asyncpg.Connection[Any]"
Pool: TypeAlias = "asyncpg.Pool[Any]"

ANSWER_S: Final = 20.0
"""A statement that takes longer is broken off: a lost machine must not hold up all cameras, which
have to hear of it before they hang up after 30 s."""
LONG_ANSWER_S: Final = 1500.0
"""Of statements that change tables while nobody waits for rows; systemd waits a little longer."""
CONNECT_S: Final = 10.0
WAIT_S: Final = 10.0
"""How long whoever finds all connections in use waits for one."""
STILL_S: Final = 30
"""A session of a process that stands still is ended after so long: it must not keep cameras locked,
nor alerts waiting for what it may still commit."""
LEAST_VERSION: Final = 14
APPLICATION: Final = "sightpost"


def place_of(url: str) -> str:
    """The database as people and logs may see it."""
    return hide_credentials(url).partition("?")[0]


@contextlib.asynccontextmanager
async def opened_pool(url: str, *, connections: int) -> AsyncIterator[Pool]:
    """At most so many connections. Raises StartRefused where there is no database there."""
    pool = await _pool(url, connections)
    try:
        yield pool
    finally:
        await pool.close()


@contextlib.asynccontextmanager
async def acquired(pool: Pool) -> AsyncIterator[Connection]:
    """One of the pool's connections. Raises StorageUnavailable, GroupRefused for what goes on in
    it."""
    with storage_errors():
        async with pool.acquire(timeout=WAIT_S) as connection:
            yield cast("Connection", connection)  # a proxy of it, until it is given back


async def opened(
    url: str, *, answer_s: float = ANSWER_S, idle_s: float | None = None
) -> Connection:
    """A connection beside any pool, which the caller closes. The database ends it when nothing is
    said for `idle_s`. Raises StartRefused."""
    ends = {} if idle_s is None else {"idle_session_timeout": f"{idle_s * 1000:.0f}ms"}
    try:
        connection: Connection = await asyncpg.connect(
            url, timeout=CONNECT_S, command_timeout=answer_s, server_settings=_SETTINGS | ends
        )
    except _NO_DATABASE as error:
        raise _refused(url, error) from error
    await _prepare(connection)
    return connection


_NO_DATABASE: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.exceptions.ClientConfigurationError,
    OSError,
    TimeoutError,
    ValueError,
)
_SAYS_WHAT: Final = (OSError, asyncpg.exceptions.ClientConfigurationError)
"""Other ValueErrors come from taking an address to pieces, and repeat one."""
_SETTINGS: Final = {
    "application_name": APPLICATION,
    "jit": "off",  # compiling costs more than any of our statements takes
    "timezone": "UTC",
    # of TCP: a session whose machine is gone ends, and its locks with it
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": f"{STILL_S}s",  # within a COPY: `standstill`
}


async def _pool(url: str, connections: int) -> Pool:
    try:
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=connections,
            timeout=CONNECT_S,
            command_timeout=ANSWER_S,
            init=_prepare,
            server_settings=_SETTINGS,
        )
    except _NO_DATABASE as error:
        raise _refused(url, error) from error


async def _prepare(connection: Connection) -> None:
    """Ids of rows are texts everywhere in this program. Asks the database nothing."""
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=_bytes_of, decoder=_text_of, format="binary"
    )


def _bytes_of(message_id: str) -> bytes:
    return bytes.fromhex(message_id.replace("-", ""))


def _text_of(raw: bytes) -> str:
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _refused(url: str, error: Exception) -> StartRefused:
    """No message holds the password: PostgreSQL's own do not, the address is shortened, and what
    was found wrong in it is not repeated."""
    if isinstance(error, ValueError) and not isinstance(error, _SAYS_WHAT):
        return StartRefused(
            f"SERVER_DATABASE_URL={place_of(url)} is no address: expected "
            "postgresql://USER:PASSWORD@HOST/DATABASE, with / in a password written %2F, : %3A, "
            "@ %40, [ %5B, ] %5D, ? %3F and # %23"
        )
    return StartRefused(
        f"SERVER_DATABASE_URL={place_of(url)} cannot be used: {error or type(error).__name__}; "
        "check that PostgreSQL runs there, that the database exists (createdb), and that user and "
        "password are right"
    )
