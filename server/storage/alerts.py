"""Alerts and the positions of those who look at rows, in SQLite. Implements AlertStore."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import apsw

from server.errors import NotThere
from server.row_id import is_id
from server.storage.asking import Reader, Readers
from server.storage.times import own_moment, text_of
from server.storage.writing_thread import WritingThread
from server.watchlist.contract import (
    MOST_ON_A_PAGE,
    Alert,
    AlertChange,
    AlertFilter,
    AlertPage,
    Source,
    Verdict,
)
from server.watchlist.keeping import Sighted
from server.watchlist.rules import Kind
from wire.plates import plate_key

_LATEST_VERDICTS: Final = 100
COLUMNS: Final = (
    "id, list_id, list_name, kind, entry_id, listed, reason, source, sighting_id, device_id, "
    "plate, class_id, likelihood, captured_at, received_at, raised_at, repeats, acknowledged_by, "
    "acknowledged_at, verdict, note"
)
_KNOWN: Final = (
    "SELECT 1 FROM alerts WHERE source = ? AND sighting_id = ? AND list_id = ? AND entry_id = ?"
)
_COUNT_REPEAT: Final = """
UPDATE alerts SET repeats = repeats + 1 WHERE id = (
    SELECT id FROM alerts WHERE list_id = ? AND entry_id = ? AND key = ? AND device_id = ?
    AND captured_at > ? AND captured_at < ? AND (verdict <> 'false alarm' OR plate = ?)
    ORDER BY captured_at DESC LIMIT 1)
"""
_RAISE: Final = f"""
INSERT INTO alerts (list_id, list_name, kind, entry_id, listed, reason, source, sighting_id,
    device_id, plate, class_id, key, likelihood, captured_at, received_at, raised_at)
SELECT l.id, l.name, l.kind, ?2, coalesce((SELECT CASE WHEN e.class_id IS NULL THEN e.plate
        ELSE coalesce((SELECT ten FROM face_persons p WHERE p.class_id = e.class_id), '') END
        FROM watchlist_entries e WHERE e.id = ?2), ''),
    ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
FROM watchlists l WHERE l.id = ?1
RETURNING {COLUMNS}
"""  # noqa: S608 (our own names)
_ORDER: Final = """
INSERT INTO alert_deliveries (alert_id, channel_id, idempotency_key, state, ordered_at,
    next_attempt_at)
SELECT ?1, id, ?2 || '-' || id, 'waiting', ?3, ?3 FROM alert_channels
WHERE is_enabled AND (list_ids = '[]' OR ?4 IN (SELECT value FROM json_each(list_ids)))
"""
_MOVE: Final = """
INSERT INTO row_positions VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET last_id = max(last_id, excluded.last_id)
"""


class SqliteAlerts:
    """`pool` belongs to whoever made it."""

    def __init__(self, path: Path, pool: Readers) -> None:
        self._pool = pool
        self._writing = WritingThread(path, name="alerts")

    async def position(self, name: str) -> int | None:
        sql = "SELECT last_id FROM row_positions WHERE name = ?"
        found = await self._pool.ask(lambda reader: reader.row(sql, (name,)))
        return None if found is None else int(found[0])

    async def move(self, name: str, position: int) -> None:
        await self._writing.write(
            lambda connection: connection.execute(_MOVE, (name, position)) and None
        )

    async def raise_alerts(
        self, found: Sequence[Sighted], *, name: str, position: int, now: datetime
    ) -> tuple[Alert, ...]:
        def work(connection: apsw.Connection) -> tuple[Alert, ...]:
            raised = [_raise(connection, each, now) for each in found]
            connection.execute(_MOVE, (name, position))
            return tuple(alert for alert in raised if alert is not None)

        return await self._writing.write(work)

    async def verdicts(
        self, list_id: int, entry_id: int, key: str
    ) -> Sequence[tuple[str, Verdict]]:
        sql = (
            "SELECT plate, verdict FROM alerts WHERE list_id = ? AND entry_id = ? AND key = ? "
            "AND verdict <> 'none' ORDER BY captured_at DESC LIMIT ?"
        )
        values = (list_id, entry_id, key, _LATEST_VERDICTS)
        found = await self._pool.ask(lambda reader: reader.rows(sql, values))
        return [(plate, Verdict(verdict)) for plate, verdict in found]

    async def page(self, chosen: AlertFilter, *, before: int | None, limit: int) -> AlertPage:
        limit = max(1, min(limit, MOST_ON_A_PAGE))
        where, values = _where(chosen, before)
        sql = f"SELECT {COLUMNS} FROM alerts WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 (our own conditions)

        def work(reader: Reader) -> AlertPage:
            alerts = [alert_of(row) for row in reader.rows(sql, (*values, limit + 1))]
            following = alerts[limit - 1].id if len(alerts) > limit else None
            return AlertPage(alerts=tuple(alerts[:limit]), next_before=following)

        return await self._pool.ask(work)

    async def newest(self) -> int:
        """The highest id; 0 where there is none."""
        sql = "SELECT coalesce(max(id), 0) FROM alerts"
        return int((await self._pool.ask(lambda reader: reader.rows(sql)))[0][0])

    async def after(self, position: int, *, limit: int) -> Sequence[Alert]:
        """Up to `limit` alerts with an id above `position`, in order."""
        sql = f"SELECT {COLUMNS} FROM alerts WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 (our own names)
        rows = await self._pool.ask(lambda reader: reader.rows(sql, (position, limit)))
        return [alert_of(row) for row in rows]

    async def one(self, alert_id: int) -> Alert:
        sql = f"SELECT {COLUMNS} FROM alerts WHERE id = ?"  # noqa: S608 (our own names)
        found = None
        if is_id(alert_id):
            found = await self._pool.ask(lambda reader: reader.row(sql, (alert_id,)))
        if found is None:
            raise _no_alert(alert_id)
        return alert_of(found)

    async def count_open(self, *, with_persons: bool) -> int:
        sql = "SELECT count(*) FROM alerts WHERE acknowledged_at IS NULL"
        if not with_persons:
            sql += f" AND source <> '{Source.FACES}'"
        return int((await self._pool.ask(lambda reader: reader.rows(sql)))[0][0])

    async def change(self, alert_id: int, change: AlertChange, *, by: str, now: datetime) -> Alert:
        def work(connection: apsw.Connection) -> None:
            connection.execute(
                "UPDATE alerts SET acknowledged_by = coalesce(acknowledged_by, ?), "
                "acknowledged_at = coalesce(acknowledged_at, ?), verdict = coalesce(?, verdict), "
                "note = coalesce(?, note) WHERE id = ?",
                (by, text_of(now), change.verdict, change.note, alert_id),
            )
            if not connection.changes():
                raise _no_alert(alert_id)

        if not is_id(alert_id):
            raise _no_alert(alert_id)
        await self._writing.write(work)
        return await self.one(alert_id)

    def close(self) -> None:
        """Waits for the write in hand; idempotent."""
        self._writing.close()


def _raise(connection: apsw.Connection, sighted: Sighted, now: datetime) -> Alert | None:
    """None: it was raised before, or so soon after another that it is counted there."""
    match = sighted.match
    rule = (match.list_id, match.entry_id)
    row = (sighted.source, sighted.sighting_id)
    if connection.execute(_KNOWN, (*row, *rule)).fetchone() is not None:
        return None
    cooldown = timedelta(seconds=match.cooldown_s)
    around = (text_of(sighted.captured_at - cooldown), text_of(sighted.captured_at + cooldown))
    like_it = (*rule, match.key, sighted.device_id, *around, sighted.plate)
    connection.execute(_COUNT_REPEAT, like_it)
    if connection.changes():
        return None
    values = (
        *rule, match.reason, *row, sighted.device_id, sighted.plate, match.class_id, match.key,
        match.likelihood, text_of(sighted.captured_at), text_of(sighted.received_at), text_of(now),
    )  # fmt: skip
    made: Any = connection.execute(_RAISE, values).fetchone()
    if made is None:
        return None  # its list was deleted meanwhile
    alert = alert_of(made)
    order = (alert.id, secrets.token_hex(16), text_of(now), alert.list_id)
    connection.execute(_ORDER, order)
    return alert


def _where(chosen: AlertFilter, before: int | None) -> tuple[str, tuple[Any, ...]]:
    conditions: list[tuple[str, Any]] = [
        ("id < ?", before),
        ("raised_at >= ?", chosen.since and text_of(chosen.since)),
        ("raised_at < ?", chosen.until and text_of(chosen.until)),
        ("list_id = ?", chosen.list_id),
        ("device_id = ?", chosen.device_id or None),
        ("key = ?", plate_key(chosen.plate) or None),
        ("verdict = ?", chosen.verdict),
        ("(acknowledged_at IS NULL) = ?", chosen.is_open),
        ("source <> ?", None if chosen.with_persons else Source.FACES),
    ]
    given = [(text, value) for text, value in conditions if value is not None]
    return " AND ".join(["true", *(text for text, _ in given)]), tuple(v for _, v in given)


def alert_of(row: Any) -> Alert:
    values = list(row)
    return Alert(
        id=values[0],
        list_id=values[1],
        list_name=values[2],
        kind=Kind(values[3]),
        entry_id=values[4] or None,
        listed=values[5],
        reason=values[6],
        source=Source(values[7]),
        sighting_id=values[8],
        device_id=values[9],
        plate=values[10],
        class_id=values[11],
        likelihood=values[12],
        captured_at=own_moment(values[13]),
        received_at=own_moment(values[14]),
        raised_at=own_moment(values[15]),
        repeats=values[16],
        acknowledged_by=values[17],
        acknowledged_at=None if values[18] is None else own_moment(values[18]),
        verdict=Verdict(values[19]),
        note=values[20],
    )


def _no_alert(alert_id: int) -> NotThere:
    return NotThere(f"there is no alert {alert_id}: it never was, or its sighting was given up")
