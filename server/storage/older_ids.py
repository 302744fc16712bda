"""Enters the rows of an older server in the ledger, so that an old camera's repeat stays out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import apsw

from server.storage.records import TARGETS
from server.storage.times import text_of
from wire.checks import check_text, decode_base64
from wire.classic import classic_device_id, detection_id, health_id
from wire.errors import RowInvalid
from wire.rows import Table

_DETECTIONS: Final = """
SELECT id, coalesce(checkpoint_id, ''), coalesce(hostname, ''), coalesce(timestamp, ''),
       coalesce(license_plate, ''), coalesce(image_data, '')
FROM lpr_detections WHERE device_id IS NULL ORDER BY id
"""
_HEALTH: Final = """
SELECT id, coalesce(checkpoint_id, ''), coalesce(hostname, ''), coalesce(timestamp, ''),
       coalesce(component, ''), coalesce(status, ''), coalesce(message, '')
FROM health_monitors WHERE device_id IS NULL ORDER BY id
"""
_CAMERA: Final = """
INSERT INTO cameras (device_id, hostname, checkpoint_id, first_seen, last_seen)
VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (device_id) DO UPDATE SET last_seen = last_seen
RETURNING id
"""

_Entry = tuple[bytes, int, int, int, bytes, int]


def enter_older_rows(connection: apsw.Connection, now: datetime) -> None:
    """Within the caller's transaction, before the rows get their `device_id`.

    Their retention in the ledger begins now. Of rows that the older server had twice the first
    one counts; rows that this server would refuse have no id and can make no duplicate.
    """
    cameras = _Cameras(connection, now)
    for entries in (_detections(connection, cameras, now), _health(connection, cameras, now)):
        connection.executemany(
            "INSERT OR IGNORE INTO message_ledger VALUES (?, ?, ?, ?, ?, ?)", entries
        )


class _Cameras:
    """The numbers of cameras, each entered when its first row is met."""

    def __init__(self, connection: apsw.Connection, now: datetime) -> None:
        self._connection = connection
        self._at = text_of(now)
        self._numbers: dict[str, int] = {}

    def number(self, hostname: str, checkpoint_id: str) -> int:
        device_id = classic_device_id(hostname, checkpoint_id)
        if device_id not in self._numbers:
            found: Any = self._connection.execute(
                _CAMERA, (device_id, hostname, checkpoint_id, self._at)
            ).fetchone()
            self._numbers[device_id] = int(found[0])
        return self._numbers[device_id]


def _detections(connection: apsw.Connection, cameras: _Cameras, now: datetime) -> Iterator[_Entry]:
    number = TARGETS[Table.LPR_DETECTION].number
    for record_id, *texts, image in connection.execute(_DETECTIONS):
        try:
            checkpoint, hostname, timestamp, plate = _checked(texts)
            sha256 = _sha256_of(image)
        except RowInvalid:
            continue
        row_id = detection_id(checkpoint, hostname, timestamp, plate, sha256)
        yield _entry(row_id, cameras.number(hostname, checkpoint), number, record_id, now)


def _health(connection: apsw.Connection, cameras: _Cameras, now: datetime) -> Iterator[_Entry]:
    number = TARGETS[Table.HEALTH_MONITOR].number
    for record_id, *texts in connection.execute(_HEALTH):
        try:
            checkpoint, hostname, timestamp, component, status, message = _checked(texts)
        except RowInvalid:
            continue
        row_id = health_id(checkpoint, hostname, timestamp, component, status, message)
        yield _entry(row_id, cameras.number(hostname, checkpoint), number, record_id, now)


def _checked(texts: list[Any]) -> list[str]:
    """As the exchange reads them: NFC; raises RowInvalid where a row of these cannot come again."""
    return [check_text("older row", str(text)) for text in texts]


def _sha256_of(image: Any) -> str | None:
    if not image:
        return None
    text = image.decode("ascii", "replace") if isinstance(image, bytes) else str(image)
    return hashlib.sha256(decode_base64("image_data", text)).hexdigest()


def _entry(row_id: str, camera: int, table: int, record_id: Any, now: datetime) -> _Entry:
    key = bytes.fromhex(row_id.replace("-", ""))
    return key, camera, table, int(record_id), key, int(now.timestamp())
