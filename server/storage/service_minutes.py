"""What services did minute by minute, in SQLite: written once a minute, read for analysis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import apsw
import msgspec

from server.analytics.work import Work
from server.storage.asking import Reader, Readers
from telemetry.distribution import Spread

KEPT: Final = timedelta(days=92)
"""A quarter of a year: what is older is given up as new minutes come."""
_WRITE: Final = "INSERT OR REPLACE INTO service_minutes VALUES (?, ?, ?, ?, ?, ?, ?)"
_READ: Final = (
    "SELECT service, minute, seconds, requests, errors, times, load FROM service_minutes "
    "WHERE minute >= :begin AND minute < :end ORDER BY service, minute"
)


class _Times(msgspec.Struct, frozen=True):
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


def write_minutes(connection: apsw.Connection, works: Mapping[str, Work]) -> None:
    """Within the caller's transaction. A minute that is there is written over."""
    connection.executemany(
        _WRITE,
        [
            (
                service, int(work.at.timestamp()), work.seconds, work.requests, work.errors,
                None if work.times is None else encoded(work.times), work.load,
            )
            for service, work in works.items()
        ],
    )  # fmt: skip
    newest = max((work.at for work in works.values()), default=None)
    if newest is not None:
        oldest_s = int((newest - KEPT).timestamp())
        connection.execute("DELETE FROM service_minutes WHERE minute < ?", (oldest_s,))


class SqliteServiceHistory:
    """Implements the contract's ServiceHistory."""

    def __init__(self, pool: Readers) -> None:
        self._pool = pool

    async def minutes(self, *, begin: datetime, end: datetime) -> Mapping[str, tuple[Work, ...]]:
        values = {"begin": int(begin.timestamp()), "end": int(end.timestamp())}

        def read(reader: Reader) -> dict[str, tuple[Work, ...]]:
            found: dict[str, list[Work]] = {}
            for service, *rest in reader.rows(_READ, values):
                found.setdefault(service, []).append(_work(*rest))
            return {service: tuple(works) for service, works in found.items()}

        return await self._pool.ask(read)


def _work(
    minute: int,
    seconds: float,
    requests: int,
    errors: int | None,
    times: str | None,
    load: float | None,
) -> Work:
    return Work(
        at=datetime.fromtimestamp(minute, UTC),
        seconds=seconds,
        requests=requests,
        errors=errors,
        times=None if times is None else _decoded(times),
        load=load,
    )


def encoded(spread: Spread) -> str:
    times = _Times(spread.bounds, spread.counts, spread.total)
    return msgspec.json.encode(times).decode()


def _decoded(text: str) -> Spread:
    times: Any = msgspec.json.decode(text, type=_Times)
    return Spread(times.bounds, times.counts, times.total)
