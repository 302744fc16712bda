"""One group of rows in one transaction: which are new is decided by the ledger's key alone.

Any number of processes do this at once. Each locks the cameras of its group in the order of their
names and then claims ids in their own order, so that no two wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from server.storage.picture_stores.contract import PictureStore
from server.storage.postgres.connection import Connection
from server.storage.postgres.horizon import announce
from server.storage.protocol import Conflict, Outcome, Stored
from server.storage.records import TARGETS, record_of
from server.storage.times import text_of
from wire.accepted import AcceptedRow
from wire.rows import Table

_KNOWN: Final = (
    "SELECT wanted.id, held.record_id, held.fingerprint FROM unnest($1::uuid[]) AS wanted (id) "
    "CROSS JOIN LATERAL (SELECT record_id, fingerprint FROM message_ledger "
    "WHERE message_id = wanted.id LIMIT 1) AS held"
)
"""The limit keeps it a look-up of each id, in its own partition."""
_LOCK_CAMERAS: Final = (
    "WITH held AS (SELECT id FROM cameras WHERE device_id = ANY($1) "
    "ORDER BY device_id FOR NO KEY UPDATE) "
    "UPDATE cameras AS c SET last_seen = $2 FROM held WHERE c.id = held.id "
    "RETURNING c.device_id, c.id"
)
_ENTER_CAMERAS: Final = (
    "INSERT INTO cameras (device_id, hostname, checkpoint_id, epoch, first_seen, last_seen) "
    "SELECT *, $5, $5 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS t (name) "
    "ORDER BY name ON CONFLICT (device_id) DO UPDATE SET last_seen = excluded.last_seen "
    "RETURNING device_id, id"
)
_CLAIM: Final = (
    "INSERT INTO message_ledger SELECT *, $6 FROM unnest("
    "$1::uuid[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bytea[]) AS t (id) "
    "ORDER BY id ON CONFLICT DO NOTHING RETURNING message_id"
)
_HELD: Final = (
    "SELECT c.device_id, e.epoch, e.rows_stored, coalesce(e.begins_after, 0) "
    "FROM unnest($1::text[], $2::text[]) AS wanted (device_id, epoch) "
    "JOIN cameras AS c USING (device_id) "
    "JOIN camera_epochs AS e ON e.camera = c.id AND e.epoch = wanted.epoch"
)
_COUNT: Final = (
    "INSERT INTO camera_epochs (camera, epoch, last_sequence, rows_stored, rows_before, "
    "first_received_at, last_received_at) SELECT *, $6, $6 FROM "
    "unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) "
    "ON CONFLICT (camera, epoch) DO UPDATE SET "
    "last_sequence = greatest(camera_epochs.last_sequence, excluded.last_sequence), "
    "rows_stored = camera_epochs.rows_stored + excluded.rows_stored, "
    "rows_before = camera_epochs.rows_before + excluded.rows_before, "
    "last_received_at = excluded.last_received_at"
)
_COUNT_LATER: Final = (
    "UPDATE camera_epochs SET rows_later = rows_later + 1 WHERE camera = $1 AND epoch = ("
    "SELECT epoch FROM camera_epochs WHERE camera = $1 AND epoch <> $2 AND last_sequence <= $3 "
    "AND $4 > coalesce(begins_after, 0) AND $4 <= last_sequence "
    "ORDER BY last_received_at DESC LIMIT 1)"
)
"""Of the epoch before $2, which begins after $3, that gave the number $4."""

Known = dict[str, tuple[int, bytes]]
"""Record id and fingerprint of what the ledger has, by the row's id."""
Epoch = tuple[str, str]
"""A device and its epoch; that of classic cameras is ''."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """How many rows were ever `stored` of epochs, and which numbers were given before them."""

    stored: Mapping[Epoch, int]
    begins_after: Mapping[Epoch, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """Rows that are new, each once, by id; their record ids, and the numbers of their cameras."""

    rows: Mapping[str, AcceptedRow]
    record_ids: Mapping[str, int]
    cameras: Mapping[str, int]


async def commit_group(
    connection: Connection,
    rows: Sequence[AcceptedRow],
    received_at: datetime,
    pictures: PictureStore,
) -> list[Outcome]:
    """An outcome for each row, after the commit. Pictures are kept before the transaction begins:
    no camera waits for them with a lock."""
    known = await _known(connection, [row.id for row in rows])
    fresh: dict[str, AcceptedRow] = {}
    for row in rows:
        if row.id not in known:
            fresh.setdefault(row.id, row)
    if not fresh:
        return outcomes_of(rows, {}, known, (await _held(connection, rows)).stored)
    await pictures.add(
        received_at, [row.picture for row in fresh.values() if row.picture is not None]
    )
    async with connection.transaction():
        new = await _claim(connection, fresh, received_at)
        known |= await _known(connection, [row_id for row_id in fresh if row_id not in new.rows])
        held = await _held(connection, rows)
        await _insert(connection, new, text_of(received_at))
        await _count(connection, new, held, text_of(received_at))
    return outcomes_of(rows, new.record_ids, known, held.stored)


def outcomes_of(
    rows: Sequence[AcceptedRow], new: Mapping[str, int], known: Known, held: Mapping[Epoch, int]
) -> list[Outcome]:
    """In the order of the rows: the first of a `new` id is stored now, later ones are repeats of
    it. `held` is how many rows of each epoch there were before. Pure."""
    known = dict(known)
    counts = dict(held)
    outcomes: list[Outcome] = []
    for row in rows:
        epoch = _epoch_of(row)
        there = known.get(row.id)
        if there is None:
            known[row.id] = (new[row.id], row.fingerprint)
            counts[epoch] = counts.get(epoch, 0) + 1
            outcomes.append(Stored(new[row.id], False, counts[epoch]))
        elif there[1] == row.fingerprint:
            outcomes.append(Stored(there[0], True, counts.get(epoch, 0)))
        else:
            outcomes.append(Conflict(there[0]))
    return outcomes


async def _known(connection: Connection, ids: Sequence[str]) -> Known:
    if not ids:
        return {}
    found = await connection.fetch(_KNOWN, ids)
    return {row_id: (record_id, fingerprint) for row_id, record_id, fingerprint in found}


async def _claim(
    connection: Connection, fresh: Mapping[str, AcceptedRow], received_at: datetime
) -> _New:
    """Those of `fresh` that no other process took meanwhile."""
    cameras = await _cameras(connection, fresh.values(), text_of(received_at))
    record_ids = await _record_ids(connection, fresh)
    claimed = await connection.fetch(
        _CLAIM,
        list(fresh),
        [cameras[row.device_id] for row in fresh.values()],
        [TARGETS[row.table].number for row in fresh.values()],
        [record_ids[row_id] for row_id in fresh],
        [row.fingerprint for row in fresh.values()],
        int(received_at.timestamp()),
    )
    ours = {str(row_id) for (row_id,) in claimed}
    return _New(
        rows={row_id: row for row_id, row in fresh.items() if row_id in ours},
        record_ids={row_id: record_ids[row_id] for row_id in fresh if row_id in ours},
        cameras=cameras,
    )


async def _cameras(
    connection: Connection, rows: Iterable[AcceptedRow], received_at: str
) -> dict[str, int]:
    """Their numbers by device, new ones entered; all are locked until the transaction ends."""
    first = {row.device_id: row for row in reversed(list(rows))}
    found = await connection.fetch(_LOCK_CAMERAS, list(first), received_at)
    numbers = {str(device_id): int(number) for device_id, number in found}
    unknown = [row for device_id, row in first.items() if device_id not in numbers]
    if unknown:
        entered = await connection.fetch(
            _ENTER_CAMERAS,
            [row.device_id for row in unknown],
            [row.hostname for row in unknown],
            [row.checkpoint_id for row in unknown],
            [row.epoch for row in unknown],
            received_at,
        )
        numbers |= {str(device_id): int(number) for device_id, number in entered}
    return numbers


async def _record_ids(connection: Connection, fresh: Mapping[str, AcceptedRow]) -> dict[str, int]:
    """The next ones of each table, in the order of the rows."""
    by_table: dict[Table, list[str]] = {}
    for row_id, row in fresh.items():
        by_table.setdefault(row.table, []).append(row_id)
    numbers: dict[str, int] = {}
    for table, ids in by_table.items():
        await announce(connection, TARGETS[table].name)
        sequence = f"{TARGETS[table].name}_id"
        found = await connection.fetch(
            f"SELECT nextval('{sequence}') FROM generate_series(1, $1)",  # noqa: S608 (our own names)
            len(ids),
        )
        numbers |= dict(zip(ids, sorted(int(number) for (number,) in found), strict=True))
    return numbers


async def _held(connection: Connection, rows: Sequence[AcceptedRow]) -> _Held:
    """Of each of their epochs that there are."""
    epochs = {_epoch_of(row) for row in rows}
    found = await connection.fetch(
        _HELD, [device_id for device_id, _ in epochs], [epoch for _, epoch in epochs]
    )
    return _Held(
        stored={(device_id, epoch): count for device_id, epoch, count, _ in found},
        begins_after={(device_id, epoch): after for device_id, epoch, _, after in found},
    )


async def _insert(connection: Connection, new: _New, received_at: str) -> None:
    """Straight into their tables: the ledger has decided that they are new."""
    records: dict[Table, list[tuple[object, ...]]] = {}
    for row_id, row in new.rows.items():
        record = record_of(row, new.record_ids[row_id], received_at)
        records.setdefault(row.table, []).append(record)
    for table, values in records.items():
        target = TARGETS[table]
        await connection.copy_records_to_table(
            target.name, records=values, columns=target.all_columns
        )


async def _count(connection: Connection, new: _New, held: _Held, received_at: str) -> None:
    counts: dict[tuple[int, str], tuple[int, int, int]] = {}
    for row in new.rows.values():
        key, sequence = (new.cameras[row.device_id], row.epoch or ""), row.row.sequence
        begins_after = held.begins_after.get(_epoch_of(row), 0)
        is_before = sequence <= begins_after
        last, count, before = counts.get(key, (0, 0, 0))
        counts[key] = (max(last, sequence), count + 1, before + is_before)
        if is_before:  # numbered in an epoch that was given up: as rare as broken databases
            await connection.execute(_COUNT_LATER, *key, begins_after, sequence)
    await connection.execute(
        _COUNT,
        [camera for camera, _ in counts],
        [epoch for _, epoch in counts],
        [last for last, _, _ in counts.values()],
        [count for _, count, _ in counts.values()],
        [before for _, _, before in counts.values()],
        received_at,
    )


def _epoch_of(row: AcceptedRow) -> Epoch:
    return row.device_id, row.epoch or ""
