"""Counts of sightings, plates and people's deeds over time, by the indexes that are there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import apsw

from server.analytics.usage import Deeds, HourCount, PlateCounts
from server.storage.asking import Dialect, Reader, Readers
from server.storage.times import text_of

_HOUR_S: Final = 3600
_ACTIVE: Final = "SELECT count(DISTINCT user_id) FROM sessions WHERE last_used_at >= ?"


def _hours(dialect: Dialect) -> str:
    return (
        f"SELECT {dialect.unix_s('d.captured_at')} / 3600, c.device_id, count(*) "  # noqa: S608 (our own names)
        f"FROM cameras AS c {dialect.in_order} lpr_detections AS d"
        f"{dialect.by_index('lpr_detections_device')} "
        "ON d.device_id = c.device_id AND d.captured_at >= :begin AND d.captured_at < :end "
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )


def _plates(dialect: Dialect) -> str:
    return (
        "SELECT count(*), count(*) FILTER (WHERE first_day < last_day) FROM ("  # noqa: S608 (our own names)
        "SELECT min(substr(captured_at, 1, 10)) AS first_day, "
        "max(substr(captured_at, 1, 10)) AS last_day "
        f"FROM lpr_detections{dialect.by_index('lpr_detections_captured_at')} "
        "WHERE captured_at >= :begin AND captured_at < :end AND plate_key <> '' "
        "GROUP BY plate_key) AS plates"
    )


def _deeds(dialect: Dialect) -> str:
    return (
        f"SELECT DISTINCT actor, action FROM audit_log{dialect.by_index('audit_log_at')} "  # noqa: S608 (our own names)
        "WHERE at >= :begin AND at < :end AND actor_kind = 'user'"
    )


def active_users(connection: apsw.Connection, since: datetime) -> int:
    """People whose session was used since then (noted with half a minute's delay)."""
    return int(connection.execute(_ACTIVE, (text_of(since),)).get)


class StoredUsageCounts:
    """Implements the contract's UsageCounts."""

    def __init__(self, pool: Readers) -> None:
        self._pool = pool

    async def hours(self, *, begin: datetime, end: datetime) -> tuple[HourCount, ...]:
        def read(reader: Reader) -> tuple[HourCount, ...]:
            return tuple(
                HourCount(at=datetime.fromtimestamp(hour * _HOUR_S, UTC), camera=name, count=count)
                for hour, name, count in reader.rows(_hours(reader.dialect), _between(begin, end))
            )

        return await self._pool.ask(read)

    async def plates(self, *, begin: datetime, end: datetime) -> PlateCounts:
        def read(reader: Reader) -> PlateCounts:
            unique, returning = reader.row(_plates(reader.dialect), _between(begin, end)) or (0, 0)
            return PlateCounts(unique=unique, returning=returning)

        return await self._pool.ask(read)

    async def deeds(self, *, begin: datetime, end: datetime) -> Deeds:
        def read(reader: Reader) -> Deeds:
            by_action: dict[str, set[str]] = {}
            for actor, action in reader.rows(_deeds(reader.dialect), _between(begin, end)):
                by_action.setdefault(action, set()).add(actor)
            return Deeds(
                people=frozenset().union(*by_action.values()),
                by_action={action: frozenset(who) for action, who in by_action.items()},
            )

        return await self._pool.ask(read)


def _between(begin: datetime, end: datetime) -> dict[str, str]:
    return {"begin": text_of(begin), "end": text_of(end)}
