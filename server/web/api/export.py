"""Sightings as lines that leave the house: CSV for spreadsheets, JSON for programs. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from db.csv_lines import csv_lines
from server.storage.reading.sightings import SightingDetail

COLUMNS: Final = (
    *("id", "captured_at", "plate", "read_plate", "is_corrected", "confidence_percent"),
    *("region", "direction", "device_id", "checkpoint_id", "hostname", "timestamp"),
    *("received_at", "dwell_s", "vehicle_type", "vehicle_color", "latitude", "longitude"),
    *("exposure_time_s", "analog_gain", "lux", "clock_state", "image_status", "image_sha256"),
    *("message_id", "epoch", "sequence"),
)
BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it spreadsheets take UTF-8 for something else, and Thai for gibberish."""


def csv_header() -> str:
    return BYTE_ORDER_MARK + csv_lines([COLUMNS])


def csv_of(details: Iterable[SightingDetail]) -> str:
    return csv_lines(map(_values, details))


def json_of(details: Iterable[SightingDetail]) -> str:
    """A JSON object a line, with the corrections and, where it was read, the evidence."""
    return "".join(f"{json.dumps(_object(each), ensure_ascii=False)}\n" for each in details)


def _object(detail: SightingDetail) -> dict[str, Any]:
    found: dict[str, Any] = dict(zip(COLUMNS, _values(detail), strict=True))
    found["corrections"] = [
        {
            "plate": each.plate,
            "plate_before": each.plate_before,
            "by": each.by,
            "at": each.at.isoformat(),
            "note": each.note,
        }
        for each in detail.corrections
    ]
    if detail.evidence is not None:
        found["evidence"] = detail.evidence.whole
    return found


def _values(detail: SightingDetail) -> tuple[Any, ...]:
    """In the order of COLUMNS."""
    card = detail.card
    return (
        card.id,
        _time(card.captured_at),
        card.plate,
        card.read_plate,
        card.is_corrected,
        card.confidence_percent,
        card.region,
        card.direction,
        card.device_id,
        card.checkpoint_id,
        card.hostname,
        card.timestamp,
        _time(card.received_at),
        detail.dwell_s,
        detail.vehicle_type,
        detail.vehicle_color,
        detail.latitude,
        detail.longitude,
        detail.exposure_time_s,
        detail.analog_gain,
        detail.lux,
        detail.clock_state,
        card.image_status,
        detail.image_sha256,
        detail.message_id,
        detail.epoch,
        detail.sequence,
    )


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
