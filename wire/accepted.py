"""A row that passed every check, in one form for both exchanges: what a server stores."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from wire.checks import CheckedPicture
from wire.rows import (
    ClockState,
    EvictionRow,
    FaceRow,
    HealthRow,
    LprRow,
    Row,
    Table,
    table_of,
)

ImageStatus = Literal["present", "missing", "invalid", "evicted"]
Exchange = Literal["classic", "sightpost.v1"]


class AcceptedRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row, checked, with the facts of the connection that it came over.

    Text in `row.data` is NFC already. `captured_at` is UTC; `timestamp` is the text that the
    camera wrote. `confidence_percent` is 0..100 where the row has a confidence. `evidence` is
    JSON text (of a health row: its `system_info`). `fingerprint` is equal for equal
    content: it covers what the row says, not its picture (which may have been evicted or made
    smaller between two attempts) nor its time (which may have been set right).
    """

    exchange: Exchange
    device_id: str
    epoch: str | None
    checkpoint_id: str
    hostname: str
    captured_at: datetime
    timestamp: str
    row: Row
    confidence_percent: float | None = None
    evidence: str | None = None
    picture: CheckedPicture | None = None
    image_status: ImageStatus = "missing"
    fingerprint: bytes = b""

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def table(self) -> Table:
        return table_of(self.row)


def fingerprint_of(device_id: str, epoch: str | None, row: Row) -> bytes:
    """16 bytes that tell a repeated row from another one under the same id."""
    data = row.data
    match row:
        case LprRow(data=data):
            said: tuple[object, ...] = (data.license_plate, data.confidence, data.region)
        case FaceRow(data=data):
            said = (data.confidence, data.box, data.embedding_model)
        case HealthRow(data=data):
            said = (data.component, data.status, data.message)
        case EvictionRow(data=data):
            said = (data.kind, data.reason, data.evicted_table, data.count)
            said += (data.first_sequence, data.last_sequence)
    parts = (device_id, epoch, row.sequence, table_of(row), *said)
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=16).digest()


__all__ = ["AcceptedRow", "ClockState", "Exchange", "ImageStatus", "fingerprint_of"]
