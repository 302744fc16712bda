"""Ends sessions of processes that stand still: stopped, frozen, in a debugger. Their machines
answer for them, so that nothing else tells them from those that work.

What stands still between two statements of a transaction PostgreSQL ends by itself
(`connection.STILL_S`), but not what it waits for in the midst of a COPY.
"""

from __future__ import annotations

from typing import Final

from server.storage.postgres.connection import APPLICATION, STILL_S, Connection

_END: Final = (
    "WITH stalled AS MATERIALIZED (SELECT pid FROM pg_stat_activity "
    "WHERE datname = current_database() AND usename = current_user AND application_name = $1 "
    "AND pid <> pg_backend_pid() AND state = 'active' AND wait_event = 'ClientRead' "
    "AND query_start < clock_timestamp() - make_interval(secs => $2)) "
    "SELECT pid FROM stalled WHERE pg_terminate_backend(pid)"
)
"""Active and waiting for its client is a COPY from it. One of ours is broken off by its own process
before that (`connection.ANSWER_S`), if that runs. Materialized: else sessions could be ended before
all conditions are looked at."""


async def end_stalled(connection: Connection, *, still_s: float = STILL_S) -> list[int]:
    """Ends the sessions that have stood still in a COPY for so long; their process ids. Nothing of
    what they did stays. Raises what asyncpg raises."""
    found = await connection.fetch(_END, APPLICATION, still_s)
    return [int(pid) for (pid,) in found]
