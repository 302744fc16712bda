"""Rows of `lpr_detections` as the values that people see, and back to rows by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from server.storage.asking import Reader
from server.storage.evidence import evidence_of
from server.storage.reading.sightings import Correction, SightingCard, SightingDetail
from server.storage.times import moment_of

CARD_COLUMNS: Final = (
    "id, license_plate, corrected_plate, device_id, checkpoint_id, hostname, captured_at, "
    "timestamp, received_at, confidence_percent, region, direction, image_status"
)
DETAIL_COLUMNS: Final = (
    f"{CARD_COLUMNS}, vehicle_type, vehicle_color, latitude, longitude, exposure_time, "
    "analog_gain, lux, dwell_s, clock_state, message_id, epoch, sequence, image_sha256"
)
CORRECTION_COLUMNS: Final = (
    "id, sighting_id, plate, plate_before, corrected_by, corrected_at, note, undoes"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]


def rows_by_id(reader: Reader, ids: Sequence[int], columns: str) -> dict[int, Row]:
    """Those that are there."""
    if not ids:
        return {}
    among = reader.dialect.among("id", "ids")
    found = reader.rows_of(
        f"SELECT {columns} FROM lpr_detections WHERE {among}",  # noqa: S608 (our own names)
        {"ids": reader.dialect.numbers(tuple(ids))},
    )
    return {row["id"]: row for row in found}


def corrections_of(reader: Reader, ids: Sequence[int]) -> dict[int, tuple[Correction, ...]]:
    """By sighting, in order of time."""
    if not ids:
        return {}
    found: dict[int, tuple[Correction, ...]] = {}
    among = reader.dialect.among("sighting_id", "ids")
    rows = reader.rows(
        f"SELECT {CORRECTION_COLUMNS} FROM corrections WHERE {among} ORDER BY id",  # noqa: S608 (our own names)
        {"ids": reader.dialect.numbers(tuple(ids))},
    )
    for row in rows:
        correction = correction_of(row)
        held = found.get(correction.sighting_id, ())
        found[correction.sighting_id] = (*held, correction)
    return found


def correction_of(row: Sequence[Any]) -> Correction:
    """`corrected_at` is ours and always readable."""
    number, sighting_id, plate, before, by, at, note, undoes = row
    return Correction(
        id=number,
        sighting_id=sighting_id,
        plate=plate,
        plate_before=before,
        by=by,
        at=moment_of(at) or _EPOCH,
        note=note,
        undoes=undoes,
    )


def card_of(row: Row, likelihood: float | None = None) -> SightingCard:
    read = _text(row["license_plate"])
    corrected = row["corrected_plate"]
    return SightingCard(
        id=row["id"],
        plate=read if corrected is None else _text(corrected),
        read_plate=read,
        is_corrected=corrected is not None,
        device_id=_text(row["device_id"]),
        checkpoint_id=_text(row["checkpoint_id"]),
        hostname=_text(row["hostname"]),
        captured_at=moment_of(row["captured_at"]),
        timestamp=_text(row["timestamp"]),
        received_at=moment_of(row["received_at"]),
        confidence_percent=row["confidence_percent"],
        region=row["region"],
        direction=row["direction"],
        image_status=_text(row["image_status"]) or "missing",
        has_picture=row["image_status"] == "present",
        likelihood=likelihood,
    )


def detail_of(row: Row, corrections: tuple[Correction, ...] = ()) -> SightingDetail:
    """With evidence where the row was read with it."""
    return SightingDetail(
        card=card_of(row),
        evidence=evidence_of(row.get("evidence")),
        corrections=corrections,
        vehicle_type=_text(row["vehicle_type"]).strip(),
        vehicle_color=_text(row["vehicle_color"]).strip(),
        latitude=_text(row["latitude"]),
        longitude=_text(row["longitude"]),
        exposure_time_s=_number(row["exposure_time"]),
        analog_gain=_number(row["analog_gain"]),
        lux=_number(row["lux"]),
        dwell_s=_number(row["dwell_s"]),
        clock_state=row["clock_state"],
        message_id=row["message_id"],
        epoch=row["epoch"],
        sequence=row["sequence"],
        image_sha256=row["image_sha256"],
    )


def _text(value: Any) -> str:
    """Older rows hold whatever their program wrote: a checkpoint may be a number."""
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
