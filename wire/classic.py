"""The classic exchange: one row a frame, one answer, in order. Both sides, no I/O.

Our server reads it generously (old cameras send null numbers, blank types, pictures with or
without a `data:` prefix, no `action`); our agent writes it exactly as the older server expects.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import tzinfo
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from wire import limits
from wire.acceptance import without_picture
from wire.accepted import AcceptedRow
from wire.checks import (
    CheckedPicture,
    check_json,
    check_picture,
    check_text,
    decode_base64,
    parse_time,
)
from wire.diagnosis import UNREADABLE, explain
from wire.errors import ErrorCode, RowInvalid, shown
from wire.limits import Limits
from wire.message_id import content_id
from wire.rows import HealthMonitor, HealthRow, LprDetection, LprRow, Measure, Row, Table

_Text = Annotated[str, Meta(max_length=limits.NAME_CHARACTERS)]
_Number = Annotated[int, Meta(ge=-(2**53), le=2**53)]
_Place = Annotated[str, Meta(max_length=limits.SHORT_CHARACTERS)] | float | None


class _LprData(Struct, frozen=True, kw_only=True):
    license_plate: Annotated[str, Meta(max_length=limits.PLATE_CHARACTERS)] | None
    checkpoint_id: _Text | _Number
    timestamp: Annotated[str, Meta(max_length=limits.TIMESTAMP_CHARACTERS)]
    hostname: _Text | None = None
    confidence: Annotated[float, Meta(ge=0, le=100)] | None = None
    vehicle_type: _Text | None = None
    vehicle_color: _Text | None = None
    latitude: _Place = None
    longitude: _Place = None
    image: str | None = None
    exposure_time: Measure | None = None
    analog_gain: Measure | None = None
    lux: Measure | None = None


class _HealthData(Struct, frozen=True, kw_only=True):
    checkpoint_id: _Text | _Number
    timestamp: Annotated[str, Meta(max_length=limits.TIMESTAMP_CHARACTERS)]
    component: Annotated[str, Meta(min_length=1, max_length=limits.SHORT_CHARACTERS)]
    status: Annotated[str, Meta(min_length=1, max_length=limits.SHORT_CHARACTERS)]
    hostname: _Text | None = None
    message: Annotated[str, Meta(max_length=limits.MESSAGE_CHARACTERS)] | None = None
    system_info: Raw | UnsetType = UNSET


class _Message(Struct, frozen=True, kw_only=True):
    table: str
    data: Raw
    action: str | None = None


class ClassicAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The one answer to each message; `table` and `action` as the message named them."""

    status: Literal["success", "error"]
    message: str
    record_id: int | None = None
    table: str | None = None
    action: str | None = None


class ClassicRefused(Struct, frozen=True):
    """The message cannot be stored; `answer` says so to the camera, `error` says why."""

    error: RowInvalid
    answer: bytes


_ECHOED: Final = 64  # characters of a message's own words that an answer repeats at most
_message: Final = msgspec.json.Decoder(_Message)
_lpr: Final = msgspec.json.Decoder(_LprData, strict=False)
_health: Final = msgspec.json.Decoder(_HealthData, strict=False)
_T = TypeVar("_T")
_answer: Final = msgspec.json.Decoder(ClassicAnswer)


class ClassicServerSession:
    """Reads classic messages. `zone_of` gives a checkpoint's time zone for naive timestamps.

    `device_id` is the name of the token that the camera came with; None: tell it by its rows.
    """

    def __init__(
        self, *, device_id: str | None, limits: Limits, zone_of: Callable[[str], tzinfo]
    ) -> None:
        self._device_id = device_id
        self._limits = limits
        self._zone_of = zone_of

    def receive(self, content: bytes | str) -> AcceptedRow | ClassicRefused:
        """A row to store and answer with `stored` or `failed`, or a refusal to send."""
        named = _Message(table="", data=Raw(b"{}"))
        try:
            named = _decode_message(content)
            return self._row(named)
        except RowInvalid as error:
            return ClassicRefused(error, _encode_error(named, error.message))

    def stored(self, row: AcceptedRow, record_id: int) -> bytes:
        """The answer after the commit (also for a row that was held already)."""
        return msgspec.json.encode(
            ClassicAnswer(
                status="success",
                message="Data saved successfully",
                record_id=record_id,
                table=row.table.value,
                action="insert",
            )
        )

    def failed(self, row: AcceptedRow, message: str) -> bytes:
        """The answer where the row could not be stored."""
        return msgspec.json.encode(
            ClassicAnswer(status="error", message=message, table=row.table.value, action="insert")
        )

    def _row(self, message: _Message) -> AcceptedRow:
        tables = {Table.LPR_DETECTION: self._lpr, Table.HEALTH_MONITOR: self._health}
        if message.table not in tables or message.action not in (None, "", "insert"):
            raise _unknown(message, [table.value for table in tables])
        return tables[Table(message.table)](message.data)

    def _lpr(self, raw: Raw) -> AcceptedRow:
        data = _decode(_lpr, raw, "data")
        picture = self._picture(data.image)
        checkpoint, hostname = _origin(data)
        plate = check_text("data.license_plate", data.license_plate or "")
        timestamp = check_text("data.timestamp", data.timestamp)
        row = LprRow(
            id=detection_id(
                checkpoint, hostname, timestamp, plate, picture.sha256 if picture else None
            ),
            sequence=0,
            captured_at=parse_time("data.timestamp", timestamp, self._zone_of(checkpoint)),
            data=LprDetection(
                license_plate=plate,
                confidence=data.confidence,
                vehicle_type=check_text("data.vehicle_type", data.vehicle_type or ""),
                vehicle_color=check_text("data.vehicle_color", data.vehicle_color or ""),
                latitude=_place("data.latitude", data.latitude),
                longitude=_place("data.longitude", data.longitude),
                exposure_time=data.exposure_time,
                analog_gain=data.analog_gain,
                lux=data.lux,
            ),
        )
        return self._accepted(row, checkpoint, hostname, timestamp, None, picture)

    def _health(self, raw: Raw) -> AcceptedRow:
        data = _decode(_health, raw, "data")
        checkpoint, hostname = _origin(data)
        timestamp = check_text("data.timestamp", data.timestamp)
        said = HealthMonitor(
            component=check_text("data.component", data.component),
            status=check_text("data.status", data.status),
            message=check_text("data.message", data.message or ""),
        )
        info = check_json("data.system_info", data.system_info, (dict, str))
        row = HealthRow(
            id=health_id(
                checkpoint, hostname, timestamp, said.component, said.status, said.message
            ),
            sequence=0,
            captured_at=parse_time("data.timestamp", timestamp, self._zone_of(checkpoint)),
            data=said,
        )
        return self._accepted(row, checkpoint, hostname, timestamp, info, None)

    def _picture(self, text: str | None) -> CheckedPicture | None:
        if not text:
            return None
        return check_picture("data.image", decode_base64("data.image", text), self._limits)

    def _accepted(
        self,
        row: Row,
        checkpoint: str,
        hostname: str,
        timestamp: str,
        evidence: str | None,
        picture: CheckedPicture | None,
    ) -> AcceptedRow:
        raw = row.data.confidence if isinstance(row, LprRow) else None
        return AcceptedRow(
            exchange="classic",
            device_id=self._device_id or classic_device_id(hostname, checkpoint),
            epoch=None,
            checkpoint_id=checkpoint,
            hostname=hostname,
            captured_at=row.captured_at,
            timestamp=timestamp,
            row=without_picture(row),
            confidence_percent=as_percent(raw),
            evidence=evidence,
            picture=picture,
            image_status="present" if picture else "missing",
            # The id is made of the content: under the same id there is never another row.
            fingerprint=bytes.fromhex(row.id.replace("-", "")),
        )


def detection_id(
    checkpoint_id: str, hostname: str, timestamp: str, plate: str, image_sha256: str | None
) -> str:
    """The id of a sighting of the classic exchange, which has none of its own; texts are NFC."""
    return content_id(
        (Table.LPR_DETECTION, checkpoint_id, hostname, timestamp, plate, image_sha256)
    )


def health_id(
    checkpoint_id: str, hostname: str, timestamp: str, component: str, status: str, message: str
) -> str:
    """The id of a health row of the classic exchange; texts are NFC."""
    return content_id(
        (Table.HEALTH_MONITOR, checkpoint_id, hostname, timestamp, component, status, message)
    )


def classic_device_id(hostname: str, checkpoint_id: str) -> str:
    """What stands for the device id of a camera that has no token."""
    return f"classic:{hostname or f'checkpoint-{checkpoint_id}'}"


def as_percent(confidence: float | None) -> float | None:
    """0..100 from what old cameras send: most send 0..1, some percent. 1.0 and less is 0..1."""
    if confidence is None:
        return None
    return round(confidence * 100, 6) if confidence <= 1 else confidence


def encode_classic(row: Row, *, checkpoint_id: str, hostname: str, image: str | None) -> bytes:
    """A row as the older server takes it: `image` is bare base64 or None.

    Raises ValueError for tables that the classic exchange has not.
    """
    data: dict[str, Any]
    match row:
        case LprRow(data=lpr):
            data = {
                "license_plate": lpr.license_plate,
                "confidence": lpr.confidence,
                "checkpoint_id": checkpoint_id,
                "timestamp": lpr.timestamp or row.captured_at.isoformat(),
                "hostname": hostname,
                "vehicle_type": lpr.vehicle_type,
                "vehicle_color": lpr.vehicle_color,
                "latitude": lpr.latitude,
                "longitude": lpr.longitude,
                "image": image,
                "exposure_time": lpr.exposure_time,
                "analog_gain": lpr.analog_gain,
                "lux": lpr.lux,
            }
        case HealthRow(data=health):
            data = {
                "checkpoint_id": checkpoint_id,
                "hostname": hostname,
                "timestamp": health.timestamp or row.captured_at.isoformat(),
                "component": health.component,
                "status": health.status,
                "message": health.message,
                "system_info": (
                    {} if isinstance(health.system_info, UnsetType) else health.system_info
                ),
            }
        case _:
            raise ValueError(f"the classic exchange has no table for {type(row).__name__}")
    table = Table.LPR_DETECTION if isinstance(row, LprRow) else Table.HEALTH_MONITOR
    return msgspec.json.encode({"table": table.value, "action": "insert", "data": data})


def decode_classic_answer(content: bytes | str) -> ClassicAnswer:
    """What an older server answered; raises RowInvalid where it is no answer."""
    return _decode(_answer, content)


def _decode(decoder: msgspec.json.Decoder[_T], content: bytes | str | Raw, under: str = "") -> _T:
    """Decodes or raises RowInvalid; `under` is where the content stands in the whole message."""
    try:
        return decoder.decode(content)
    except UNREADABLE as error:
        raise explain(
            bytes(content) if isinstance(content, Raw) else content, error, under
        ) from None


def _decode_message(content: bytes | str) -> _Message:
    """Older senders write NaN and Infinity, which JSON has not: they are read as null."""
    try:
        return _decode(_message, content)
    except RowInvalid as error:
        if error.code is not ErrorCode.INVALID_JSON or not _has_no_number(content):
            raise
        try:
            mended = msgspec.json.encode(json.loads(content, parse_constant=lambda _: None))
        except (ValueError, RecursionError, OverflowError):
            raise error from None
        return _decode(_message, mended)


def _has_no_number(content: bytes | str) -> bool:
    text = content if isinstance(content, bytes) else content.encode(errors="replace")
    return b"NaN" in text or b"Infinity" in text


def _unknown(message: _Message, tables: list[str]) -> RowInvalid:
    """Begins with the older server's own words: its clients look for them."""
    field, code, expected = "table", ErrorCode.UNKNOWN_TABLE, " or ".join(tables)
    value = message.table
    if message.table in tables:
        field, code, expected = "action", ErrorCode.UNKNOWN_ACTION, "insert"
        value = message.action or ""
    named = f"{message.table[:_ECHOED]}/{(message.action or '')[:_ECHOED]}"
    return RowInvalid(
        code,
        f"Unknown table/action: {named}; {field}: expected {expected}, got {shown(value)}",
        field=field,
    )


def _origin(data: _LprData | _HealthData) -> tuple[str, str]:
    checkpoint = check_text("data.checkpoint_id", str(data.checkpoint_id))
    return checkpoint, check_text("data.hostname", data.hostname or "")


def _place(field: str, value: str | float | None) -> str:
    return check_text(field, "" if value is None else str(value))


def _encode_error(message: _Message, text: str) -> bytes:
    return msgspec.json.encode(
        ClassicAnswer(
            status="error",
            message=text,
            table=message.table[:_ECHOED] or None,
            action=message.action and message.action[:_ECHOED],
        )
    )
