"""The books of each camera: its row in `cameras`, and per epoch how many rows were taken."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import apsw

from server.storage.greeting import BEGINNING, HELD, greeted
from wire.accepted import AcceptedRow
from wire.v1 import Hello

_KNOWN_CAMERAS: Final = 10_000

_ENTER_CAMERA: Final = """
INSERT INTO cameras (device_id, hostname, checkpoint_id, first_seen, last_seen, epoch)
VALUES (?1, ?2, ?3, ?4, ?4, ?5)
ON CONFLICT (device_id) DO UPDATE SET last_seen = excluded.last_seen
RETURNING id
"""
_COUNT_ROWS: Final = """
INSERT INTO camera_epochs (camera, epoch, last_sequence, rows_stored, first_received_at,
                           last_received_at, rows_before)
VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
ON CONFLICT (camera, epoch) DO UPDATE SET
    last_sequence = max(last_sequence, excluded.last_sequence),
    rows_stored = rows_stored + excluded.rows_stored,
    rows_before = rows_before + excluded.rows_before,
    last_received_at = excluded.last_received_at
"""
_COUNT_LATER: Final = """
UPDATE camera_epochs SET rows_later = rows_later + 1
WHERE camera = ?1 AND epoch = (
    SELECT epoch FROM camera_epochs
    WHERE camera = ?1 AND epoch <> ?2 AND last_sequence <= ?3
        AND ?4 > coalesce(begins_after, 0) AND ?4 <= last_sequence
    ORDER BY last_received_at DESC LIMIT 1)
"""
"""Of the epoch before ?2, which begins after ?3, that gave the number ?4."""


@dataclass(slots=True)
class _Count:
    begins_after: int
    rows: int = 0
    rows_before: int = 0
    last_sequence: int = 0


class Books:
    """Counts within the writer's transaction; `forget` what was counted when it rolls back."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._ids: dict[str, int] = {}
        self._counts: dict[tuple[int, str], _Count] = {}
        self._stored: dict[tuple[str, str], int] = {}

    def stored(self, row: AcceptedRow, *, is_new: bool) -> int:
        """How many rows were ever stored of this row's device and epoch, with it if it `is_new`."""
        key = (row.device_id, row.epoch or "")
        count = self._stored.get(key)
        if count is None:
            if len(self._stored) >= _KNOWN_CAMERAS:
                self._stored.clear()
            count = held(self._connection, *key)[1]
        self._stored[key] = count = count + is_new
        return count

    def enter(self, row: AcceptedRow, received_at: str) -> int:
        """Counts a new row; returns the number of its camera."""
        camera = self._ids.get(row.device_id)
        if camera is None:
            camera = self._camera(row, received_at)
        key = (camera, row.epoch or "")
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count(self._begins_after(row))
        count.rows += 1
        sequence = row.row.sequence
        count.last_sequence = max(count.last_sequence, sequence)
        if sequence <= count.begins_after:
            count.rows_before += 1
            self._connection.execute(_COUNT_LATER, (*key, count.begins_after, sequence))
        return camera

    def close_group(self, received_at: str) -> None:
        """Writes what was counted since the last group."""
        self._connection.executemany(
            _COUNT_ROWS,
            [
                (
                    *(camera, epoch, count.last_sequence, count.rows),
                    *(received_at, count.rows_before),
                )
                for (camera, epoch), count in self._counts.items()
            ],
        )
        self._connection.executemany(
            "UPDATE cameras SET last_seen = ? WHERE id = ?",
            [(received_at, camera) for camera in {camera for camera, _ in self._counts}],
        )
        self._counts.clear()

    def forget(self) -> None:
        """The transaction was rolled back: its counts, and cameras it entered, do not exist."""
        self._counts.clear()
        self._ids.clear()
        self._stored.clear()

    def _begins_after(self, row: AcceptedRow) -> int:
        """The last number that was given before this row's epoch; 0 where the camera never said."""
        found: Any = self._connection.execute(BEGINNING, (row.device_id, row.epoch)).fetchone()
        return int(found[0] or 0) if found else 0

    def _camera(self, row: AcceptedRow, received_at: str) -> int:
        if len(self._ids) >= _KNOWN_CAMERAS:
            self._ids.clear()
        found: Any = self._connection.execute(
            _ENTER_CAMERA,
            (row.device_id, row.hostname, row.checkpoint_id, received_at, row.epoch),
        ).fetchone()
        camera = self._ids[row.device_id] = int(found[0])
        return camera


def greet(connection: apsw.Connection, hello: Hello, now: datetime) -> None:
    """Notes what the camera said of itself."""
    steps = greeted(hello, now)
    with suppress(StopIteration):
        sql, values = next(steps)
        while True:
            sql, values = steps.send(connection.execute(sql, values).fetchone())


def held(connection: apsw.Connection, device_id: str, epoch: str) -> tuple[int, int]:
    """The last sequence of a device's epoch, and how many of its rows were ever stored; or 0."""
    found: Any = connection.execute(HELD, (device_id, epoch)).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)
