"""The rows that travel: one struct for the data of each table, and their envelope.

Field names are those of the older system where it had the field. `bytes` fields are base64 on
the wire, as are pictures. Every length and range stands here, so that decoding is validating.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from wire import limits
from wire.base64_text import PictureBytes

Plate = Annotated[str, Meta(max_length=limits.PLATE_CHARACTERS)]
Name = Annotated[str, Meta(max_length=limits.NAME_CHARACTERS)]
Short = Annotated[str, Meta(max_length=limits.SHORT_CHARACTERS)]
Message = Annotated[str, Meta(max_length=limits.MESSAGE_CHARACTERS)]
TimestampText = Annotated[str, Meta(max_length=limits.TIMESTAMP_CHARACTERS)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Unit = Annotated[float, Meta(ge=0, le=1)]
Measure = Annotated[float, Meta(ge=-1e12, le=1e12)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Count = Annotated[int, Meta(ge=0, lt=2**53)]
Pixel = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Traceparent = Annotated[
    str, Meta(pattern="^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
]
"""W3C Trace Context, section 3.2: version, trace, span, flags."""
RowId = Annotated[str, Meta(max_length=limits.ID_CHARACTERS)]
AwareTime = Annotated[datetime, Meta(tz=True)]


class Table(StrEnum):
    """The tables of the wire, by the names that the older system gave them."""

    LPR_DETECTION = "lpr_detection"
    FACE_DETECTION = "face_detection"
    HEALTH_MONITOR = "health_monitor"
    EVICTION = "eviction"


ClockState = Literal["synchronised", "corrected", "unsynchronised"]
"""How far a time can be trusted: set by NTP when taken, set right later, or never known."""

SentImageStatus = Literal["present", "missing", "evicted"]
Direction = Literal["approaching", "receding", "left", "right"]


class _Data(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What every table's data may say; absent names are those of the connection's hello."""

    checkpoint_id: Short | None = None
    hostname: Name | None = None
    timestamp: TimestampText | None = None
    clock_state: ClockState | None = None


class _Pictured(_Data, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Data that a picture may come with."""

    image: PictureBytes | None = None
    image_status: SentImageStatus | None = None
    evidence: Raw | UnsetType = UNSET


class LprDetection(_Pictured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A plate that passed; `confidence` in percent, `exposure_time` and `dwell_s` in seconds."""

    license_plate: Plate
    confidence: Percent | None = None
    vehicle_type: Short = ""
    vehicle_color: Short = ""
    latitude: Short = ""
    longitude: Short = ""
    exposure_time: Measure | None = None
    analog_gain: Measure | None = None
    lux: Measure | None = None
    region: Short | None = None
    direction: Direction | None = None
    dwell_s: Seconds | None = None


class FaceDetection(_Pictured, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A face that passed; box and landmarks in pixels of the frame it was found in.

    `embedding` is little-endian float32, L2-normalised, of `embedding_model`: its name, `@` and the
    version of its file, without which it compares with nothing.
    """

    confidence: Percent | None = None
    quality: Unit | None = None
    box: tuple[Pixel, Pixel, Pixel, Pixel] | None = None
    landmarks: (
        Annotated[list[tuple[Measure, Measure]], Meta(max_length=limits.LANDMARKS)] | None
    ) = None
    embedding: bytes | None = None
    embedding_model: Name | None = None
    dwell_s: Seconds | None = None


class HealthMonitor(_Data, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a health check found; `status` is PASS, WARN or FAIL (others are kept as they come)."""

    component: Annotated[str, Meta(min_length=1, max_length=limits.SHORT_CHARACTERS)]
    status: Annotated[str, Meta(min_length=1, max_length=limits.SHORT_CHARACTERS)]
    message: Message = ""
    system_info: Raw | UnsetType = UNSET


class Eviction(_Data, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a camera had to give up, so that nothing is missing silently.

    Pictures evicted leave their rows; rows evicted are named by table and sequence range.
    """

    kind: Literal["picture", "row"]
    reason: Annotated[str, Meta(min_length=1, max_length=limits.SHORT_CHARACTERS)]
    evicted_table: Short
    count: Count
    size_bytes: Count = 0
    first_sequence: Count | None = None
    last_sequence: Count | None = None
    message: Message = ""


class _Row(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="table"):
    """The envelope: `id` is the row's UUID, `sequence` counts per device and epoch from 1.

    `trace` is where a camera that traces begins the row's trace (docs/monitoring.md).
    """

    id: RowId
    sequence: Count
    captured_at: AwareTime
    action: Literal["insert"] = "insert"
    trace: Traceparent | None = None


class LprRow(_Row, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="lpr_detection"):
    data: LprDetection
    image_sha256: Sha256 | None = None


class FaceRow(_Row, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="face_detection"):
    data: FaceDetection
    image_sha256: Sha256 | None = None


class HealthRow(
    _Row, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="health_monitor"
):
    data: HealthMonitor


class EvictionRow(_Row, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="eviction"):
    data: Eviction


Row = LprRow | FaceRow | HealthRow | EvictionRow
PicturedRow = LprRow | FaceRow

TABLE_OF: dict[type, Table] = {
    LprRow: Table.LPR_DETECTION,
    FaceRow: Table.FACE_DETECTION,
    HealthRow: Table.HEALTH_MONITOR,
    EvictionRow: Table.EVICTION,
}


def table_of(row: Row) -> Table:
    return TABLE_OF[type(row)]


def raw_json(value: object) -> Raw:
    """Any plain value as JSON to go out unchanged (`evidence`, `system_info`)."""
    return Raw(msgspec.json.encode(value))
