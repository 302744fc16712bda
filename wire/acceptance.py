"""From a decoded row to an accepted one: the checks of content that types do not make."""

from __future__ import annotations

import msgspec

from wire.accepted import AcceptedRow, ImageStatus, fingerprint_of
from wire.checks import CheckedPicture, check_json, check_picture, check_text, check_time
from wire.errors import RowInvalid
from wire.limits import EMBEDDING_BYTES, Limits
from wire.message_id import is_message_id
from wire.rows import EvictionRow, FaceRow, HealthRow, LprRow, Row
from wire.v1 import Hello

_PICTURED = (LprRow, FaceRow)  # a tuple: isinstance is three times as fast as with a union


def accept_hello(hello: Hello) -> Hello:
    """A `hello` whose texts are NFC and may be stored; raises RowInvalid."""
    return msgspec.structs.replace(
        hello,
        device_id=check_text("device_id", hello.device_id),
        epoch=check_text("epoch", hello.epoch),
        hostname=check_text("hostname", hello.hostname),
        checkpoint_id=check_text("checkpoint_id", hello.checkpoint_id),
        agent_version=check_text("agent_version", hello.agent_version),
        time=check_time("time", hello.time),
        runs=[check_text("runs", run) for run in hello.runs],
        watchlist=None if hello.watchlist is None else check_text("watchlist", hello.watchlist),
    )


def accept_v1(row: Row, hello: Hello, limits: Limits) -> AcceptedRow:
    """A `sightpost.v1` row of a connection that said `hello`; raises RowInvalid.

    A picture that is none does not lose the sighting: it is stored as `invalid`.
    """
    if not is_message_id(row.id):
        raise RowInvalid.of_field("id", "a UUID in lower case", row.id)
    if row.sequence < 1:
        raise RowInvalid.of_field("sequence", "a number from 1", row.sequence)
    captured_at = check_time("captured_at", row.captured_at)
    picture: CheckedPicture | None = None
    status: ImageStatus = "missing"
    confidence: float | None = None
    if isinstance(row, _PICTURED):
        picture, status = _picture_of(row, limits)
        confidence = row.data.confidence
    evidence = _evidence_of(row)
    row = without_picture(_normalised(row))
    data = row.data
    return AcceptedRow(
        exchange="sightpost.v1",
        device_id=hello.device_id,
        epoch=hello.epoch,
        checkpoint_id=data.checkpoint_id or hello.checkpoint_id,
        hostname=data.hostname or hello.hostname,
        captured_at=captured_at,
        timestamp=data.timestamp or captured_at.isoformat(),
        row=row,
        confidence_percent=confidence,
        evidence=evidence,
        picture=picture,
        image_status=status,
        fingerprint=fingerprint_of(hello.device_id, hello.epoch, row),
    )


def without_picture(row: Row) -> Row:
    """The row as it is kept: its picture and raw JSON stand elsewhere by now.

    Raw JSON must go: it is a view of the frame's buffer and would keep the whole frame in memory.
    """
    if isinstance(row, LprRow):
        data = msgspec.structs.replace(row.data, image=None, evidence=msgspec.UNSET)
        return msgspec.structs.replace(row, data=data)
    if isinstance(row, FaceRow):
        face = msgspec.structs.replace(row.data, image=None, evidence=msgspec.UNSET)
        return msgspec.structs.replace(row, data=face)
    if isinstance(row, HealthRow) and row.data.system_info is not msgspec.UNSET:
        health = msgspec.structs.replace(row.data, system_info=msgspec.UNSET)
        return msgspec.structs.replace(row, data=health)
    return row


def _picture_of(row: LprRow | FaceRow, limits: Limits) -> tuple[CheckedPicture | None, ImageStatus]:
    content = row.data.image
    if not content:
        said = row.data.image_status
        return None, "evicted" if said == "evicted" else "missing"
    try:
        picture = check_picture("data.image", content, limits)
    except RowInvalid:
        return None, "invalid"
    if row.image_sha256 is not None and picture.sha256 != row.image_sha256:
        return None, "invalid"
    return picture, "present"


def _evidence_of(row: Row) -> str | None:
    if isinstance(row, _PICTURED):
        return check_json("data.evidence", row.data.evidence, (dict,))
    if isinstance(row, HealthRow):
        return check_json("data.system_info", row.data.system_info, (dict, str))
    return None


def _normalised(row: Row) -> Row:
    """Every text of the data in NFC; the row itself where nothing changes (the common case)."""
    changed: dict[str, str] = {}
    for name in _TEXTS[type(row)]:
        text = getattr(row.data, name)
        if text:
            checked = check_text(f"data.{name}", text)
            if checked != text:
                changed[name] = checked
    if isinstance(row, FaceRow) and row.data.embedding is not None:
        _check_embedding(row.data.embedding)
    if not changed:
        return row
    return msgspec.structs.replace(row, data=msgspec.structs.replace(row.data, **changed))


def _check_embedding(embedding: bytes) -> None:
    if len(embedding) % 4 or not 0 < len(embedding) <= EMBEDDING_BYTES:
        raise RowInvalid.of_field(
            "data.embedding",
            f"float32 numbers, at most {EMBEDDING_BYTES} bytes",
            f"{len(embedding)} bytes",
        )


_COMMON = ("checkpoint_id", "hostname", "timestamp")
_TEXTS: dict[type, tuple[str, ...]] = {
    LprRow: (
        *_COMMON,
        "license_plate",
        "vehicle_type",
        "vehicle_color",
        "latitude",
        "longitude",
        "region",
    ),
    FaceRow: (*_COMMON, "embedding_model"),
    HealthRow: (*_COMMON, "component", "status", "message"),
    EvictionRow: (*_COMMON, "reason", "evicted_table", "message"),
}
