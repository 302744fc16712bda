"""What services did minute by minute: written once a minute, read for analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

import apsw
import msgspec

from server.analytics.work import Work, at_once, together
from server.storage.asking import Reader, Readers
from telemetry.distribution import Spread

KEPT: Final = timedelta(days=92)
"""A quarter of a year: what is older is given up as new minutes come."""
_WRITE: Final = "INSERT OR REPLACE INTO service_minutes VALUES (?, ?, ?, ?, ?, ?, ?)"
MOST: Final = 2880
"""Stretches of a service in one answer: two days of minutes; of more they are longer."""
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_CHUNK_S: Final = 4 * 24 * _HOUR_S
"""Rows read at once: a quarter of a year would not fit into memory."""
_STEPS_S: Final = tuple(_MINUTE_S * minutes for minutes in (1, 2, 3, 5, 6, 10, 15, 20, 30, 60))
"""Parts of an hour, so that no stretch lies in two."""
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


class StoredServiceHistory:
    """Implements the contract's ServiceHistory."""

    def __init__(self, pool: Readers) -> None:
        self._pool = pool

    async def minutes(self, *, begin: datetime, end: datetime) -> Mapping[str, tuple[Work, ...]]:
        begin_s, end_s = int(begin.timestamp()), int(end.timestamp())

        def read(reader: Reader) -> dict[str, tuple[Work, ...]]:
            found: dict[str, list[Work]] = {}
            for service, work in _stretches(reader, begin_s, end_s):
                found.setdefault(service, []).append(work)
            return {service: tuple(works) for service, works in found.items()}

        return await self._pool.ask(read)


def _stretches(reader: Reader, begin_s: int, end_s: int) -> Iterator[tuple[str, Work]]:
    """In the order of their time for each service."""
    step_s = next((step for step in _STEPS_S if (end_s - begin_s) / step <= MOST), _HOUR_S)
    for chunk_s in range(begin_s - begin_s % _HOUR_S, end_s, _CHUNK_S):
        values = {"begin": max(begin_s, chunk_s), "end": min(end_s, chunk_s + _CHUNK_S)}
        rows = reader.rows(_READ, values)
        for (service, _), group in groupby(rows, key=lambda row: (row[0], row[1] // step_s)):
            minutes = groupby((_work(*rest) for _, *rest in group), key=lambda work: work.at)
            of_all = (at_once(list(same)) for _, same in minutes)
            whole = together([work for work in of_all if work is not None])
            if whole is not None:
                yield service, whole


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
