"""Alerts and the positions of those who look at rows. Implements AlertStore."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from server.errors import NotThere
from server.row_id import is_id
from server.storage.asking import Reader, Readers, Writer, Writing
from server.storage.times import own_moment, text_of
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
_LISTED: Final = "SELECT plate, class_id FROM watchlist_entries WHERE id = ?"
_PERSON: Final = "SELECT ten FROM face_persons WHERE class_id = ?"
_RAISE: Final = f"""
INSERT INTO alerts (list_id, list_name, kind, entry_id, listed, reason, source, sighting_id,
    device_id, plate, class_id, key, likelihood, captured_at, received_at, raised_at)
SELECT l.id, l.name, l.kind, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
FROM watchlists l WHERE l.id = ?
RETURNING {COLUMNS}
"""  # noqa: S608 (our own names)
_CHANNELS: Final = "SELECT id, list_ids FROM alert_channels WHERE is_enabled ORDER BY id"
_ORDER: Final = """
INSERT INTO alert_deliveries (alert_id, channel_id, idempotency_key, state, ordered_at,
    next_attempt_at)
SELECT ?, id, ?, 'waiting', ?, ? FROM alert_channels WHERE id = ?
"""
"""To be followed by what keeps the channel there until the transaction ends."""
_POSITION: Final = "SELECT last_id FROM row_positions WHERE name = ?"
_MOVE: Final = """
INSERT INTO row_positions (name, last_id) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET last_id = excluded.last_id
    WHERE row_positions.last_id < excluded.last_id
"""


class StoredAlerts:
    """`pool` and `writing` belong to whoever made them."""

    def __init__(self, pool: Readers, writing: Writing) -> None:
        self._pool = pool
        self._writing = writing

    async def position(self, name: str) -> int | None:
        found = await self._pool.ask(lambda reader: reader.row(_POSITION, (name,)))
        return None if found is None else int(found[0])

    async def move(self, name: str, position: int) -> None:
        await self._writing.write(lambda writer: writer.change(_MOVE, (name, position)))

    async def raise_alerts(
        self, found: Sequence[Sighted], *, name: str, position: int, now: datetime
    ) -> tuple[Alert, ...]:
        def work(writer: Writer) -> tuple[Alert, ...]:
            kept = writer.row(_POSITION, (name,))
            through = 0 if kept is None else int(kept[0])
            left = [each for each in found if each.row_id > through]
            raised = [_raise(writer, each, now) for each in left]
            writer.change(_MOVE, (name, position))
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
        verdict = Verdict.NONE if change.is_open else change.verdict
        values = {"id": alert_id, "verdict": verdict, "note": change.note}
        columns = ["verdict = coalesce(:verdict, verdict)", "note = coalesce(:note, note)"]
        if change.is_open:
            columns += ["acknowledged_by = NULL", "acknowledged_at = NULL"]
        elif change.acknowledges:
            values |= {"by": by, "at": text_of(now)}
            columns.append("acknowledged_by = coalesce(acknowledged_by, :by)")
            columns.append("acknowledged_at = coalesce(acknowledged_at, :at)")
        sql = f"UPDATE alerts SET {', '.join(columns)} WHERE id = :id"  # noqa: S608 (our own names)

        def work(writer: Writer) -> None:
            if not writer.change(sql, values):
                raise _no_alert(alert_id)

        if not is_id(alert_id):
            raise _no_alert(alert_id)
        await self._writing.write(work)
        return await self.one(alert_id)


def _raise(writer: Writer, sighted: Sighted, now: datetime) -> Alert | None:
    """None: it was raised before, or so soon after another that it is counted there."""
    match = sighted.match
    rule = (match.list_id, match.entry_id)
    row = (sighted.source, sighted.sighting_id)
    if writer.row(_KNOWN, (*row, *rule)) is not None:
        return None
    cooldown = timedelta(seconds=match.cooldown_s)
    around = (text_of(sighted.captured_at - cooldown), text_of(sighted.captured_at + cooldown))
    like_it = (*rule, match.key, sighted.device_id, *around, sighted.plate)
    if writer.change(_COUNT_REPEAT, like_it):
        return None
    values = (
        match.entry_id, _listed(writer, match.entry_id), match.reason, *row, sighted.device_id,
        sighted.plate, match.class_id, match.key, match.likelihood, text_of(sighted.captured_at),
        text_of(sighted.received_at), text_of(now), match.list_id,
    )  # fmt: skip
    made = writer.rows(_RAISE, values)
    if not made:
        return None  # its list was deleted meanwhile
    alert = alert_of(made[0])
    _order(writer, alert, now)
    return alert


def _listed(writer: Writer, entry_id: int) -> str:
    """As people know what the entry lists; empty where it is in none."""
    for plate, class_id in writer.rows(_LISTED, (entry_id,)):
        if class_id is None:
            return str(plate)
        for (name,) in writer.rows(_PERSON, (class_id,)):
            return str(name)
    return ""


def _order(writer: Writer, alert: Alert, now: datetime) -> None:
    """What channels are to deliver."""
    key = secrets.token_hex(16)
    order = f"{_ORDER} {writer.dialect.kept}"
    for channel_id, list_ids in writer.rows(_CHANNELS):
        wanted = json.loads(list_ids)
        if not wanted or alert.list_id in wanted:
            at = text_of(now)
            writer.change(order, (alert.id, f"{key}-{channel_id}", at, at, channel_id))


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
