"""An independent look at every row that a server stored: no check of the programs is used here."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import apsw
from PIL import Image

TABLES: Final = ("lpr_detections", "health_monitors", "face_detections", "evictions")
_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_GROWTH: Final = 3  # NFC of one character has up to three (Unicode Standard Annex 15, section 12)
_LONGEST: Final = {
    "license_plate": 64, "component": 64, "status": 64, "message": 4096, "timestamp": 64,
    "hostname": 255, "checkpoint_id": 255, "vehicle_type": 255, "vehicle_color": 255,
    "latitude": 64, "longitude": 64, "region": 64, "reason": 64, "evicted_table": 64,
    "device_id": 300, "epoch": 64, "embedding_model": 255, "evidence": 70_000,
    "system_info": 70_000, "landmarks": 20_000, "box": 100,
}  # fmt: skip
_RANGES: Final = {
    "confidence": (0, 100), "confidence_percent": (0, 100), "quality": (0, 1), "dwell_s": (0, 1e9),
    "exposure_time": (-1e12, 1e12), "analog_gain": (-1e12, 1e12), "lux": (-1e12, 1e12),
    "count": (0, 2**53), "size_bytes": (0, 2**53), "first_sequence": (0, 2**53),
    "last_sequence": (0, 2**53), "sequence": (1, 2**53),
}  # fmt: skip
_CHOICES: Final = {
    "image_status": {"present", "missing", "invalid", "evicted"},
    "direction": {"approaching", "receding", "left", "right"},
    "clock_state": {"synchronised", "corrected", "unsynchronised"},
    "kind": {"picture", "row"},
}
_JSON: Final = frozenset({"evidence", "system_info", "box", "landmarks"})
_MOST_PICTURE_BYTES: Final = 5_000_000


def faults_in(database: Path, pictures: Path) -> Iterator[str]:
    """What is wrong with the rows and pictures of a database that no server has open."""
    with contextlib.closing(_reader(database)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone() or ("no answer",)
        if verdict != "ok":
            yield f"integrity_check: {verdict}"
        yield from _count_faults(connection)
        for table in TABLES:
            for row in _rows(connection, f"SELECT * FROM {table}"):  # noqa: S608 (our own names)
                yield from (f"{table} {row['id']}: {fault}" for fault in _row_faults(row, pictures))
    for path in sorted(pictures.glob("*.db")):
        yield from _picture_faults(path)


def _count_faults(connection: apsw.Connection) -> Iterator[str]:
    rows = sum(
        int(row["n"])
        for table in TABLES
        for row in _rows(connection, f"SELECT count(*) AS n FROM {table}")  # noqa: S608 (our own names)
    )
    for question in ("SELECT count(*) AS n FROM message_ledger",
                     "SELECT coalesce(sum(rows_stored), 0) AS n FROM camera_epochs"):  # fmt: skip
        (held,) = [int(row["n"]) for row in _rows(connection, question)]
        if held != rows:
            yield f"{question}: {held}, but there are {rows} rows"


def _row_faults(row: dict[str, Any], pictures: Path) -> Iterator[str]:
    if not _ID.fullmatch(str(row["message_id"])):
        yield f"message_id {row['message_id']!r}"
    moment = datetime.fromisoformat(row["captured_at"])
    if moment.utcoffset() is None or not 1970 <= moment.year < 2200:
        yield f"captured_at {row['captured_at']}"
    for name, value in row.items():
        if value is not None:
            yield from _value_faults(name, value)
    if "image_status" in row and (row["image_status"] == "present") != bool(row["image_sha256"]):
        yield f"image_status {row['image_status']} with image_sha256 {row['image_sha256']}"
    if row.get("image_sha256"):
        day = pictures / f"{row['received_at'][:10]}.db"
        with contextlib.closing(_reader(day)) as connection:
            held = connection.execute(
                "SELECT 1 FROM pictures WHERE sha256 = ?", (row["image_sha256"],)
            ).fetchone()
        if held is None:
            yield f"its picture {row['image_sha256']} is not in {day.name}"


def _value_faults(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "\0" in value or unicodedata.normalize("NFC", value) != value:
            yield f"{name} has NUL or is not NFC: {value[:40]!r}"
        if len(value) > _LONGEST.get(name, 64) * _GROWTH:
            yield f"{name} has {len(value)} characters"
        if name in _JSON:
            json.loads(value, parse_constant=_no_constant)
        if name in _CHOICES and value not in _CHOICES[name]:
            yield f"{name} is {value!r}"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{name} is {value}"
    if name in _RANGES:
        low, high = _RANGES[name]
        if not isinstance(value, int | float) or not low <= value <= high:
            yield f"{name} is {value!r}, expected {low} to {high}"


def _picture_faults(path: Path) -> Iterator[str]:
    with contextlib.closing(_reader(path)) as connection:
        for row in _rows(connection, "SELECT * FROM pictures"):
            content = row["content"]
            if hashlib.sha256(content).hexdigest() != row["sha256"]:
                yield f"{path.name}: {row['sha256']} has other content"
            if len(content) > _MOST_PICTURE_BYTES or len(content) != row["size_bytes"]:
                yield f"{path.name}: {row['sha256']} has {len(content)} bytes"
            try:
                with Image.open(io.BytesIO(content)) as picture:
                    if picture.format not in {"JPEG", "PNG"}:
                        yield f"{path.name}: {row['sha256']} is {picture.format}"
            except (OSError, ValueError) as error:
                yield f"{path.name}: {row['sha256']} is no picture: {error}"


def _rows(connection: apsw.Connection, sql: str) -> Iterator[dict[str, Any]]:
    cursor = connection.execute(sql)
    names: list[str] | None = None
    for values in cursor:
        names = names or [column[0] for column in cursor.get_description()]
        yield dict(zip(names, values, strict=True))


def _reader(path: Path) -> apsw.Connection:
    return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
