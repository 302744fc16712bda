"""What must hold of every accepted row, written without the package's own checks."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from datetime import UTC, timedelta
from io import BytesIO
from typing import Any

import msgspec
from PIL import Image

from wire.accepted import AcceptedRow
from wire.rows import EvictionRow, FaceRow, HealthRow, LprRow

LONGEST = {
    "license_plate": 64,
    "timestamp": 64,
    "hostname": 255,
    "message": 4096,
    "embedding_model": 255,
}
CLASSIC_LONGEST = {**LONGEST, "checkpoint_id": 255, "vehicle_type": 255, "vehicle_color": 255}
RANGES = {
    "confidence": (0.0, 100.0),
    "quality": (0.0, 1.0),
    "dwell_s": (0.0, 1e9),
    "exposure_time": (-1e12, 1e12),
    "analog_gain": (-1e12, 1e12),
    "lux": (-1e12, 1e12),
    "count": (0, 2**53 - 1),
    "size_bytes": (0, 2**53 - 1),
    "first_sequence": (0, 2**53 - 1),
    "last_sequence": (0, 2**53 - 1),
}
CHOICES = {
    "clock_state": {"synchronised", "corrected", "unsynchronised"},
    "direction": {"approaching", "receding", "left", "right"},
    "kind": {"picture", "row"},
    "image_status": {"present", "missing", "evicted"},
}
MOST_GROWTH = 3  # NFC of one character has up to three (Unicode Standard Annex 15, section 12)


def assert_storable(row: AcceptedRow) -> None:
    """Raises AssertionError where a row that was accepted could not be stored as it is."""
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", row.row.id)
    assert row.id == row.row.id
    assert row.captured_at.utcoffset() == timedelta(0)
    assert row.captured_at.tzinfo is UTC
    assert 1970 <= row.captured_at.year < 2200
    assert len(row.fingerprint) == 16
    longest = CLASSIC_LONGEST if row.exchange == "classic" else LONGEST
    for text in (row.device_id, row.epoch or "", row.timestamp):
        _assert_text(text, 64)
    _assert_text(row.checkpoint_id, longest.get("checkpoint_id", 64))
    _assert_text(row.hostname, 255)
    if row.exchange == "sightpost.v1":
        assert row.row.sequence >= 1
        assert row.epoch
    else:
        assert (row.row.sequence, row.epoch) == (0, None)
    _assert_data(msgspec.structs.asdict(row.row.data), longest)
    _assert_own(row)
    _assert_picture(row)
    _assert_evidence(row)


def _assert_text(text: str, longest: int) -> None:
    assert type(text) is str
    assert len(text) <= longest * MOST_GROWTH
    assert "\0" not in text
    assert not any(unicodedata.category(character) == "Cs" for character in text)
    assert text == unicodedata.normalize("NFC", text)


def _assert_data(data: dict[str, Any], longest: dict[str, int]) -> None:
    for name, value in data.items():
        if value is None or value is msgspec.UNSET:
            continue
        if name in CHOICES:
            assert value in CHOICES[name]
        elif isinstance(value, str):
            _assert_text(value, longest.get(name, 64))
        elif name in RANGES:
            assert isinstance(value, int | float)
            assert not isinstance(value, bool)
            assert math.isfinite(value)
            assert RANGES[name][0] <= value <= RANGES[name][1]
        else:
            assert name in {"box", "landmarks", "embedding"}, f"{name} is checked nowhere"


def _assert_own(row: AcceptedRow) -> None:
    """What belongs to one table only."""
    data = row.row.data
    match row.row:
        case LprRow() | FaceRow():
            assert row.row.data.image is None, "the picture stands in row.picture alone"
            assert isinstance(data, type(row.row.data))
        case HealthRow():
            assert row.row.data.component
            assert row.row.data.status
        case EvictionRow():
            assert row.row.data.reason
    if isinstance(row.row, FaceRow):
        face = row.row.data
        assert face.box is None or all(-(2**31) <= number < 2**31 for number in face.box)
        assert len(face.landmarks or []) <= 106
        for x, y in face.landmarks or []:
            assert math.isfinite(x)
            assert math.isfinite(y)
        if face.embedding is not None:
            assert 0 < len(face.embedding) <= 16_384
            assert len(face.embedding) % 4 == 0
    percent = row.confidence_percent
    assert percent is None or 0 <= percent <= 100


def _assert_picture(row: AcceptedRow) -> None:
    assert (row.picture is not None) == (row.image_status == "present")
    if row.picture is None:
        return
    content = row.picture.content
    assert hashlib.sha256(content).hexdigest() == row.picture.sha256
    assert len(content) <= 5_000_000
    with Image.open(BytesIO(content), formats=["JPEG", "PNG"]) as picture:
        assert picture.width * picture.height <= 50_000_000


def _assert_evidence(row: AcceptedRow) -> None:
    if row.evidence is None:
        return
    assert len(row.evidence.encode()) <= 6 * 65_536
    value = json.loads(row.evidence)
    assert isinstance(value, dict | str)
    assert _levels(value) <= 32
    assert "\0" not in "".join(_strings(value))


def _levels(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((_levels(part) for part in inner), default=0)


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for inner in value.values() for text in _strings(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner)]
    return [value] if isinstance(value, str) else []
