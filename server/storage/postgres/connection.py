"""How this program reaches PostgreSQL: connections that read ids as texts, and what is said where
there is none."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import asyncpg

from server.errors import StartRefused
from settings.showing import hide_credentials

Connection: TypeAlias = "asyncpg.Connection[Any]"

ANSWER_S: Final = 20.0
"""A statement that takes longer is broken off: a lost machine must not hold up all cameras, which
have to hear of it before they hang up after 30 s."""
LONG_ANSWER_S: Final = 1500.0
"""Of statements that change tables while nobody waits for rows; systemd waits a little longer."""
CONNECT_S: Final = 10.0
STILL_S: Final = 30
"""A session of a process that stands still is ended after so long: it must not keep cameras locked,
nor alerts waiting for what it may still commit."""
LEAST_VERSION: Final = 14
APPLICATION: Final = "sightpost"


def place_of(url: str) -> str:
    """The database as people and logs may see it."""
    return hide_credentials(url).partition("?")[0]


async def opened(
    url: str, *, answer_s: float = ANSWER_S, idle_s: float | None = None
) -> Connection:
    """A connection beside any pool, which the caller closes. The database ends it when nothing is
    said for `idle_s`. Raises StartRefused."""
    ends = {} if idle_s is None else {"idle_session_timeout": f"{idle_s * 1000:.0f}ms"}
    try:
        connection: Connection = await asyncpg.connect(
            url, timeout=CONNECT_S, command_timeout=answer_s, server_settings=SETTINGS | ends
        )
    except NO_DATABASE as error:
        raise refused(url, error) from error
    await prepare(connection)
    return connection


NO_DATABASE: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.exceptions.ClientConfigurationError,
    OSError,
    TimeoutError,
    ValueError,
)
_SAYS_WHAT: Final = (OSError, asyncpg.exceptions.ClientConfigurationError)
"""Other ValueErrors come from taking an address to pieces, and repeat one."""
SETTINGS: Final = {
    "application_name": APPLICATION,
    "jit": "off",  # compiling costs more than any of our statements takes
    "timezone": "UTC",
    # of TCP: a session whose machine is gone ends, and its locks with it
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": f"{STILL_S}s",  # within a COPY: `standstill`
}


async def prepare(connection: Connection) -> None:
    """Ids of rows are texts everywhere in this program. Asks the database nothing."""
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=_bytes_of, decoder=_text_of, format="binary"
    )


def _bytes_of(message_id: str) -> bytes:
    return bytes.fromhex(message_id.replace("-", ""))


def _text_of(raw: bytes) -> str:
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def refused(url: str, error: Exception) -> StartRefused:
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
