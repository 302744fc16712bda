"""How an accepted row becomes a record: the columns of each table, in the order of its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from wire.accepted import AcceptedRow
from wire.rows import EvictionRow, FaceRow, HealthRow, LprRow, Table

_COMMON: Final = (
    "id", "message_id", "device_id", "epoch", "sequence", "checkpoint_id", "hostname",
    "timestamp", "captured_at", "clock_state", "received_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A table of the database; `number` stands for it in the ledger."""

    number: int
    name: str
    columns: tuple[str, ...]

    @property
    def highest_id(self) -> str:
        """An expression for the largest id ever given, also of rows that were deleted."""
        last = f"SELECT seq FROM sqlite_sequence WHERE name = '{self.name}'"  # noqa: S608 (our own names)
        return f"max(coalesce((SELECT max(id) FROM {self.name}), 0), coalesce(({last}), 0))"  # noqa: S608 (our own names)

    @property
    def all_columns(self) -> tuple[str, ...]:
        """In the order of the values of `record_of`."""
        return (*_COMMON, *self.columns)

    @property
    def insert(self) -> str:
        """The statement that takes `record_of` a row."""
        columns = self.all_columns
        marks = ", ".join("?" * len(columns))
        return f"INSERT INTO {self.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 (our own names)


TARGETS: Final[dict[Table, Target]] = {
    Table.LPR_DETECTION: Target(
        number=1,
        name="lpr_detections",
        columns=(
            "license_plate", "confidence", "confidence_percent", "vehicle_type", "vehicle_color",
            "latitude", "longitude", "exposure_time", "analog_gain", "lux", "image_sha256",
            "image_status", "evidence", "region", "direction", "dwell_s",
        ),
    ),
    Table.HEALTH_MONITOR: Target(
        number=2,
        name="health_monitors",
        columns=("component", "status", "message", "system_info"),
    ),
    Table.FACE_DETECTION: Target(
        number=3,
        name="face_detections",
        columns=(
            "confidence_percent", "quality", "box", "landmarks", "embedding", "embedding_model",
            "dwell_s", "image_sha256", "image_status", "evidence",
        ),
    ),
    Table.EVICTION: Target(
        number=4,
        name="evictions",
        columns=(
            "kind", "reason", "evicted_table", "count", "size_bytes", "first_sequence",
            "last_sequence", "message",
        ),
    ),
}  # fmt: skip


def record_of(accepted: AcceptedRow, record_id: int, received_at: str) -> tuple[Any, ...]:
    """The values for the row's `Target.insert`."""
    row = accepted.row
    common = (
        record_id,
        row.id,
        accepted.device_id,
        accepted.epoch,
        row.sequence if accepted.epoch is not None else None,
        accepted.checkpoint_id,
        accepted.hostname,
        accepted.timestamp,
        accepted.captured_at.isoformat(timespec="milliseconds"),
        row.data.clock_state,
        received_at,
    )
    return common + _own_columns(accepted)


def _own_columns(accepted: AcceptedRow) -> tuple[Any, ...]:
    row = accepted.row
    sha256 = accepted.picture.sha256 if accepted.picture else None
    match row:
        case LprRow(data=lpr):
            return (
                lpr.license_plate, lpr.confidence, accepted.confidence_percent, lpr.vehicle_type,
                lpr.vehicle_color, lpr.latitude, lpr.longitude, lpr.exposure_time,
                lpr.analog_gain, lpr.lux, sha256, accepted.image_status, accepted.evidence,
                lpr.region, lpr.direction, lpr.dwell_s,
            )  # fmt: skip
        case HealthRow(data=health):
            return (health.component, health.status, health.message, accepted.evidence)
        case FaceRow(data=face):
            return (
                accepted.confidence_percent, face.quality, _json(face.box), _json(face.landmarks),
                face.embedding, face.embedding_model, face.dwell_s, sha256,
                accepted.image_status, accepted.evidence,
            )  # fmt: skip
        case EvictionRow(data=eviction):
            return (
                eviction.kind, eviction.reason, eviction.evicted_table, eviction.count,
                eviction.size_bytes, eviction.first_sequence, eviction.last_sequence,
                eviction.message,
            )  # fmt: skip


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
