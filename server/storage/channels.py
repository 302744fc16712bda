"""Channels and their deliveries. Implements the contract's ChannelStore."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from server.channels.contract import (
    LONGEST_WAIT,
    Channel,
    ChannelDetails,
    ChannelKind,
    Delivery,
    Goal,
)
from server.errors import NotThere, QuestionInvalid
from server.row_id import is_id
from server.storage.alerts import COLUMNS as ALERT_COLUMNS
from server.storage.alerts import alert_of
from server.storage.asking import Reader, Readers, Writer, Writing
from server.storage.times import moment_of, own_moment, text_of

_COLUMNS: Final = (
    "id, name, kind, target, list_ids, is_enabled, failures, last_success_at, last_failure_at, "
    "last_error, changed_by, changed_at, "
    "(SELECT count(*) FROM alert_deliveries d WHERE d.channel_id = alert_channels.id "
    "AND state = 'waiting') AS waiting, "
    "(SELECT count(*) FROM alert_deliveries d WHERE d.channel_id = alert_channels.id "
    "AND state = 'given up') AS given_up"
)
_DUE: Final = (
    "SELECT d.id, d.channel_id, d.idempotency_key, d.attempts, d.ordered_at, d.next_attempt_at, "  # noqa: S608 (our own names)
    f"{', '.join(f'a.{name}' for name in ALERT_COLUMNS.split(', '))} "
    "FROM alert_deliveries d JOIN alerts a ON a.id = d.alert_id "
    "WHERE d.channel_id = ? AND d.state = 'waiting' "
    "AND (d.next_attempt_at <= ? OR d.next_attempt_at > ?) "
    "ORDER BY d.alert_id LIMIT ?"
)
_AS_IT_WAS: Final = "WHERE id = ? AND state = 'waiting' AND attempts = ? AND next_attempt_at = ?"
"""Each claim ends later than the one before it: what another process claimed meanwhile differs."""
_CLAIM: Final = (
    f"UPDATE alert_deliveries SET next_attempt_at = ? {_AS_IT_WAS} "  # noqa: S608 (our own names)
    "AND (next_attempt_at <= ? OR next_attempt_at > ?) "
    "AND channel_id IN (SELECT id FROM alert_channels WHERE is_enabled)"
)
_LET_GO: Final = f"UPDATE alert_deliveries SET next_attempt_at = ? {_AS_IT_WAS}"  # noqa: S608 (our own names)
_NOTE_FAILURE: Final = (
    "UPDATE alert_deliveries SET state = ?, attempts = attempts + 1, next_attempt_at = ?, "  # noqa: S608 (our own names)
    f"ended_at = ?, last_error = ? {_AS_IT_WAS}"
)
_NEXT: Final = (
    "SELECT channel_id, min(next_attempt_at) FROM alert_deliveries WHERE state = 'waiting' "
    "AND channel_id IN (SELECT id FROM alert_channels WHERE is_enabled) GROUP BY 1"
)
_WENT_WELL: Final = (
    "UPDATE alert_channels SET failures = 0, last_success_at = ?, last_error = ? WHERE id = ?"
)
_FAILED: Final = (
    "UPDATE alert_channels SET failures = failures + 1, last_failure_at = ?, last_error = ? "
    "WHERE id = ?"
)


class StoredChannels:
    """`pool` and `writing` belong to whoever made them."""

    def __init__(self, pool: Readers, writing: Writing) -> None:
        self._pool = pool
        self._writing = writing

    async def channels(self) -> tuple[Channel, ...]:
        sql = f"SELECT {_COLUMNS} FROM alert_channels ORDER BY name"  # noqa: S608 (our own names)
        return await self._pool.ask(
            lambda reader: tuple(_channel(row) for row in reader.rows_of(sql))
        )

    async def channel(self, channel_id: int) -> Channel:
        sql = f"SELECT {_COLUMNS} FROM alert_channels WHERE id = ?"  # noqa: S608 (our own names)

        def work(reader: Reader) -> list[dict[str, Any]]:
            return reader.rows_of(sql, (channel_id,))

        found = await self._pool.ask(work) if is_id(channel_id) else []
        if not found:
            raise _no_channel(channel_id)
        return _channel(found[0])

    async def goal(self, channel_id: int) -> Goal:
        sql = "SELECT target, secret FROM alert_channels WHERE id = ?"
        found = await self._pool.ask(lambda reader: reader.row(sql, (channel_id,)))
        if found is None:
            raise _no_channel(channel_id)
        return Goal(target=str(found[0]), secret=str(found[1]))

    async def make(
        self, details: ChannelDetails, secret: str, *, by: str, now: datetime
    ) -> Channel:
        def work(writer: Writer) -> int:
            _refuse_taken(writer, details.name, besides=0)
            made = writer.rows(
                "INSERT INTO alert_channels (name, kind, target, list_ids, is_enabled, secret, "
                "changed_by, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (*_values(details), secret, by, text_of(now)),
            )
            return int(made[0][0])

        return await self.channel(await self._writing.write(work))

    async def change(
        self,
        channel_id: int,
        details: ChannelDetails,
        secret: str | None,
        *,
        by: str,
        now: datetime,
    ) -> Channel:
        def work(writer: Writer) -> None:
            _refuse_taken(writer, details.name, besides=channel_id)
            changed = writer.change(
                "UPDATE alert_channels SET name = ?, kind = ?, target = ?, list_ids = ?, "
                "is_enabled = ?, secret = coalesce(?, secret), changed_by = ?, changed_at = ? "
                "WHERE id = ?",
                (*_values(details), secret, by, text_of(now), channel_id),
            )
            if not changed:
                raise _no_channel(channel_id)

        if not is_id(channel_id):
            raise _no_channel(channel_id)
        await self._writing.write(work)
        return await self.channel(channel_id)

    async def drop(self, channel_id: int) -> None:
        def work(writer: Writer) -> None:
            if not writer.change("DELETE FROM alert_channels WHERE id = ?", (channel_id,)):
                raise _no_channel(channel_id)

        if not is_id(channel_id):
            raise _no_channel(channel_id)
        await self._writing.write(work)

    async def due(self, channel_id: int, now: datetime, *, limit: int) -> Sequence[Delivery]:
        values = (channel_id, text_of(now), text_of(now + LONGEST_WAIT), limit)
        rows = await self._pool.ask(lambda reader: reader.rows(_DUE, values))
        return [_delivery(row) for row in rows]

    async def claim(self, delivery: Delivery, now: datetime, *, until: datetime) -> Delivery | None:
        by_now = (text_of(now), text_of(now + LONGEST_WAIT))
        values = (text_of(until), *_as_it_was(delivery), *by_now)
        is_claimed = await self._writing.write(lambda writer: writer.change(_CLAIM, values)) > 0
        return replace(delivery, due_at=until) if is_claimed else None

    async def let_go(self, delivery: Delivery, now: datetime) -> None:
        values = (text_of(now), *_as_it_was(delivery))
        await self._writing.write(lambda writer: writer.change(_LET_GO, values))

    async def next_due(self) -> dict[int, datetime]:
        rows = await self._pool.ask(lambda reader: reader.rows(_NEXT))
        return {channel_id: own_moment(at) for channel_id, at in rows}

    async def delivered(self, delivery: Delivery, now: datetime, *, remark: str = "") -> None:
        at, error = text_of(now), remark or None

        def work(writer: Writer) -> None:
            is_noted = writer.change(
                "UPDATE alert_deliveries SET state = 'delivered', attempts = attempts + 1, "
                "ended_at = ?, last_error = ? WHERE id = ? AND state = 'waiting'",
                (at, error, delivery.id),
            )
            if is_noted:
                writer.change(_WENT_WELL, (at, error, delivery.channel_id))

        await self._writing.write(work)

    async def failed(
        self, delivery: Delivery, error: str, now: datetime, *, next_at: datetime | None
    ) -> bool:
        state = "waiting" if next_at is not None else "given up"
        ended_at = None if next_at is not None else text_of(now)
        at = text_of(next_at or now)
        values = (state, at, ended_at, error, *_as_it_was(delivery))

        def work(writer: Writer) -> bool:
            is_noted = writer.change(_NOTE_FAILURE, values) > 0
            if is_noted:
                writer.change(_FAILED, (text_of(now), error, delivery.channel_id))
            return is_noted

        return await self._writing.write(work)

    async def noted(self, channel_id: int, error: str, now: datetime, *, is_taken: bool) -> None:
        sql = _WENT_WELL if is_taken else _FAILED
        values = (text_of(now), error or None, channel_id)
        await self._writing.write(lambda writer: writer.change(sql, values))

    async def sweep(self, before: datetime) -> None:
        sql = "DELETE FROM alert_deliveries WHERE ended_at < ?"
        await self._writing.write(lambda writer: writer.change(sql, (text_of(before),)))


def _values(details: ChannelDetails) -> tuple[Any, ...]:
    return (
        details.name,
        details.kind,
        details.target,
        json.dumps(details.list_ids),
        details.is_enabled,
    )


def _channel(row: Any) -> Channel:
    return Channel(
        id=row["id"],
        details=ChannelDetails(
            name=row["name"],
            kind=ChannelKind(row["kind"]),
            target=row["target"],
            list_ids=tuple(json.loads(row["list_ids"])),
            is_enabled=bool(row["is_enabled"]),
        ),
        failures=row["failures"],
        waiting=row["waiting"],
        given_up=row["given_up"],
        last_success_at=moment_of(row["last_success_at"]),
        last_failure_at=moment_of(row["last_failure_at"]),
        last_error=row["last_error"],
        changed_by=row["changed_by"],
        changed_at=own_moment(row["changed_at"]),
    )


def _delivery(row: Any) -> Delivery:
    number, channel_id, key, attempts, ordered_at, due_at, *alert = row
    return Delivery(
        id=number,
        channel_id=channel_id,
        alert=alert_of(alert),
        idempotency_key=key,
        attempts=attempts,
        ordered_at=own_moment(ordered_at),
        due_at=own_moment(due_at),
    )


def _as_it_was(delivery: Delivery) -> tuple[int, int, str]:
    return delivery.id, delivery.attempts, text_of(delivery.due_at)


def _refuse_taken(writer: Writer, name: str, *, besides: int) -> None:
    sql = "SELECT 1 FROM alert_channels WHERE name = ? AND id <> ?"
    if writer.row(sql, (name, besides)) is not None:
        raise QuestionInvalid(f"name={name!r}: another channel is called so, choose another name")


def _no_channel(channel_id: int) -> NotThere:
    return NotThere(f"there is no channel {channel_id}: there never was, or it was deleted")
