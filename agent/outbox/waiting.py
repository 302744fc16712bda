"""Rows that wait, as the wire says them: one SELECT and one reading for each table.

Looks up by the partial indexes on waiting rows, so that the time does not grow with the rows
that were sent. Opens nothing, writes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final, cast, get_args

import msgspec
from msgspec import UNSET, Raw, UnsetType

from agent.delivery import RowKey, WaitingRow
from wire.checks import EARLIEST, LATEST
from wire.rows import (
    ClockState,
    Direction,
    Eviction,
    EvictionRow,
    FaceDetection,
    FaceRow,
    HealthMonitor,
    HealthRow,
    LprDetection,
    LprRow,
    SentImageStatus,
    Table,
)

Columns = tuple[Any, ...]

UNREADABLE: Final = (ValueError, TypeError, AttributeError, msgspec.MsgspecError)
"""What reading a row raises where a tool stored bytes for text, broken UTF-8 and the like."""
LAST_ROW_ID: Final = 2**63 - 1
_NUMBERS: Final = (int, float)  # a tuple: isinstance is three times as fast as with a union
ID_COLUMN: Final = 0
MESSAGE_ID_COLUMN: Final = 1
TIMESTAMP_COLUMN: Final = 3

_PLATES: Final = (
    "SELECT d.id, d.message_id, d.sequence, coalesce(m.timestamp, d.timestamp), d.clock_state, "
    "d.license_plate_text, d.lp_confidence, m.exposure_time, m.analog_gain, m.lux, d.region, "
    "d.vehicle_type, d.direction, d.dwell_s, d.evidence, d.image_sha256, d.image_status, "
    "d.lp_image_filename, m.image_filename, m.processed_image_filename FROM detection_results AS d"
    " INDEXED BY detection_results_waiting "
    "LEFT JOIN camera_metadata AS m ON m.frame_id = d.frame_id "
    "WHERE d.sent_to_server = 0 AND d.id > ? AND d.id <= ? ORDER BY d.id LIMIT ?"
)
_FACES: Final = (
    "SELECT d.id, d.message_id, d.sequence, d.timestamp, d.clock_state, d.confidence, d.quality, "
    "d.box_x, d.box_y, d.box_w, d.box_h, d.landmarks, d.embedding, d.embedding_model, d.dwell_s, "
    "d.evidence, d.image_sha256, d.image_status, d.face_image_filename FROM face_results AS d"
    " INDEXED BY face_results_waiting "
    "WHERE d.sent_to_server = 0 AND d.id > ? AND d.id <= ? ORDER BY d.id LIMIT ?"
)
_HEALTH: Final = (
    "SELECT d.id, d.message_id, d.sequence, d.timestamp, d.clock_state, d.component, d.status, "
    "d.message, d.system_info FROM health_checks AS d"
    " INDEXED BY health_checks_waiting "
    "WHERE d.sent_to_server = 0 AND d.id > ? AND d.id <= ? ORDER BY d.id LIMIT ?"
)
_EVICTIONS: Final = (
    "SELECT d.id, d.message_id, d.sequence, d.timestamp, d.clock_state, d.kind, d.reason, "
    "d.evicted_table, d.count, d.size_bytes, d.first_sequence, d.last_sequence, d.message "
    "FROM evictions AS d"
    " INDEXED BY evictions_waiting "
    "WHERE d.sent_to_server = 0 AND d.id > ? AND d.id <= ? ORDER BY d.id LIMIT ?"
)
_OTHERS: Final = _PLATES.replace("WHERE ", "WHERE d.watched = 0 AND ")
_WATCHED: Final = _PLATES.replace("WHERE ", "WHERE d.watched = 1 AND ").replace(
    "detection_results_waiting", "detection_results_watched"
)
SELECTS: Final[dict[Table, str]] = {
    Table.LPR_DETECTION: _PLATES,
    Table.FACE_DETECTION: _FACES,
    Table.HEALTH_MONITOR: _HEALTH,
    Table.EVICTION: _EVICTIONS,
}
"""Bindings: ids above, up to, at most so many. Columns 0 to 3: id, message id, sequence, time."""


def select_of(table: Table, *, watched: bool | None) -> str:
    """The table's SELECT; `watched`: see `DeliveryStore.waiting`. Only plates are watched."""
    if table is not Table.LPR_DETECTION or watched is None:
        return SELECTS[table]
    return _WATCHED if watched else _OTHERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How stored times are read: `zone` of naive ones (None: this machine's), `now` for none."""

    zone: tzinfo | None
    now: datetime


def read_row(table: Table, columns: Columns, reading: Reading) -> WaitingRow:
    """One row of that table's SELECT; its message id and sequence must be there."""
    return _READERS[table](columns, reading)


def captured_at(text: object, reading: Reading) -> datetime:
    """A stored time, aware; now where it is none (older tools wrote anything)."""
    try:
        moment = datetime.fromisoformat(cast("str", text))
        if moment.tzinfo is None:
            moment = (
                moment.astimezone() if reading.zone is None else moment.replace(tzinfo=reading.zone)
            )
        return moment if EARLIEST <= moment < LATEST else reading.now
    except (TypeError, ValueError, OverflowError):
        return reading.now


def percent(confidence: object) -> float | None:
    """0..100 from the database's 0..1; older rows hold either, or nonsense (then None)."""
    if not isinstance(confidence, _NUMBERS) or not math.isfinite(confidence):
        return None
    scaled = confidence * 100 if confidence <= 1 else confidence
    return float(scaled) if 0 <= scaled <= 100 else None


def _plate(columns: Columns, reading: Reading) -> WaitingRow:
    (
        row_id,
        message_id,
        sequence,
        stored_time,
        clock_state,
        plate,
        confidence,
        exposure_time,
        analog_gain,
        lux,
        region,
        vehicle_type,
        direction,
        dwell_s,
        evidence,
        sha256,
        image_status,
        *names,
    ) = columns
    moment = captured_at(stored_time, reading)
    row = LprRow(
        id=message_id,
        sequence=sequence,
        captured_at=moment,
        image_sha256=sha256,
        data=LprDetection(
            timestamp=_timestamp(stored_time, moment),
            clock_state=_clock_state(clock_state),
            license_plate=_text(plate),
            confidence=percent(confidence),
            exposure_time=_number(exposure_time),
            analog_gain=_number(analog_gain),
            lux=_number(lux),
            region=region,
            vehicle_type=vehicle_type or "",
            direction=direction if direction in _DIRECTIONS else None,
            dwell_s=_number(dwell_s),
            evidence=_json(evidence),
            image_status=_image_status(image_status),
        ),
    )
    return WaitingRow(
        RowKey(Table.LPR_DETECTION, row_id),
        row,
        _pictures(image_status, names),
        may_need_scaling=sha256 is None,
    )


def _face(columns: Columns, reading: Reading) -> WaitingRow:
    (
        row_id,
        message_id,
        sequence,
        stored_time,
        clock_state,
        confidence,
        quality,
        box_x,
        box_y,
        box_w,
        box_h,
        landmarks,
        embedding,
        embedding_model,
        dwell_s,
        evidence,
        sha256,
        image_status,
        name,
    ) = columns
    moment = captured_at(stored_time, reading)
    row = FaceRow(
        id=message_id,
        sequence=sequence,
        captured_at=moment,
        image_sha256=sha256,
        data=FaceDetection(
            timestamp=_timestamp(stored_time, moment),
            clock_state=_clock_state(clock_state),
            confidence=percent(confidence),
            quality=quality,
            box=None if box_x is None else (box_x, box_y, box_w, box_h),
            landmarks=_landmarks.decode(landmarks) if landmarks else None,
            embedding=embedding,
            embedding_model=embedding_model,
            dwell_s=_number(dwell_s),
            evidence=_json(evidence),
            image_status=_image_status(image_status),
        ),
    )
    return WaitingRow(RowKey(Table.FACE_DETECTION, row_id), row, _pictures(image_status, [name]))


def _health(columns: Columns, reading: Reading) -> WaitingRow:
    row_id, message_id, sequence, stored_time, clock_state, *said = columns
    component, status, message, system_info = said
    moment = captured_at(stored_time, reading)
    row = HealthRow(
        id=message_id,
        sequence=sequence,
        captured_at=moment,
        data=HealthMonitor(
            timestamp=_timestamp(stored_time, moment),
            clock_state=_clock_state(clock_state),
            component=_text(component),
            status=_text(status),
            message=_text(message),
            system_info=_json(system_info),
        ),
    )
    return WaitingRow(RowKey(Table.HEALTH_MONITOR, row_id), row)


def _eviction(columns: Columns, reading: Reading) -> WaitingRow:
    row_id, message_id, sequence, stored_time, clock_state, *said = columns
    kind, reason, evicted_table, count, size_bytes, first, last, message = said
    moment = captured_at(stored_time, reading)
    row = EvictionRow(
        id=message_id,
        sequence=sequence,
        captured_at=moment,
        data=Eviction(
            timestamp=_timestamp(stored_time, moment),
            clock_state=_clock_state(clock_state),
            kind=kind,
            reason=reason,
            evicted_table=evicted_table,
            count=count,
            size_bytes=size_bytes,
            first_sequence=first,
            last_sequence=last,
            message=_text(message),
        ),
    )
    return WaitingRow(RowKey(Table.EVICTION, row_id), row)


_READERS: Final[dict[Table, Callable[[Columns, Reading], WaitingRow]]] = {
    Table.LPR_DETECTION: _plate,
    Table.FACE_DETECTION: _face,
    Table.HEALTH_MONITOR: _health,
    Table.EVICTION: _eviction,
}
_DIRECTIONS: Final[frozenset[Direction]] = frozenset(get_args(Direction))
_CLOCK_STATES: Final[frozenset[ClockState]] = frozenset(get_args(ClockState))
_IMAGE_STATUSES: Final[frozenset[SentImageStatus]] = frozenset(get_args(SentImageStatus))
_landmarks: Final = msgspec.json.Decoder(list[tuple[float, float]])


def _timestamp(stored: object, moment: datetime) -> str:
    """What the camera wrote, with the offset that a naive time lacks."""
    text = _text(stored)
    if len(text) > len("2024-08-06T10:30:00") and text[-6] in "+-" and text[-3] == ":":
        return text
    return moment.isoformat()


def _clock_state(stored: ClockState | None) -> ClockState | None:
    return stored if stored in _CLOCK_STATES else None


def _image_status(stored: SentImageStatus | None) -> SentImageStatus | None:
    return stored if stored in _IMAGE_STATUSES else None


def _pictures(image_status: object, names: list[str | None]) -> tuple[str, ...]:
    """Names to look under, each once."""
    if image_status in ("evicted", "missing"):
        return ()
    return tuple(dict.fromkeys(name for name in names if name))


def _text(stored: object) -> str:
    if isinstance(stored, str):
        return stored
    return "" if stored is None else str(stored)


def _number(stored: object) -> float | None:
    if isinstance(stored, _NUMBERS) and math.isfinite(stored):
        return float(stored)
    return None


def _json(stored: str | None) -> Raw | UnsetType:
    return Raw(stored.encode()) if stored else UNSET
