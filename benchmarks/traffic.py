"""The rows that uplink benchmarks send: seeded plates with evidence, pictures of some 45 KB."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec
import numpy as np

from agent.outbox import books, recording
from agent.outbox.database import Purpose, connect, transaction
from agent.outbox.spool import picture_name
from agent.outbox.store import Outbox
from wire.message_id import RANDOM_BYTES, time_ordered_id

DEVICE: Final = "benchmark-camera"
PICTURE_BYTES: Final = 45_000
_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
_INTERVAL: Final = timedelta(seconds=7)
_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_BATCH: Final = 1_000
_OLD_BATCH: Final = 100_000
_TABLES: Final = ("camera_metadata", "detection_results")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How many rows, with a picture each or with none; the same seed gives the same rows."""

    rows: int
    with_pictures: bool
    seed: int


def fill(database: Path, images: Path, traffic: Traffic) -> None:
    """A camera's database in which all of `traffic` waits, with its pictures below `images`.

    Written in bulk: recording is not what is measured here.
    """
    Outbox.open(database, images, DEVICE).close()
    images.mkdir(parents=True, exist_ok=True)
    connection = connect(database, Purpose.RECORDING)
    source = random.Random(traffic.seed)
    picture = picture_of(traffic.seed) if traffic.with_pictures else None
    for first in range(0, traffic.rows, _BATCH):
        count = min(_BATCH, traffic.rows - first)
        with transaction(connection):
            sequence = books.next_sequences(connection, count)
            made = [
                _row(first + index, sequence + index, source, picture, images)
                for index in range(count)
            ]
            for table, rows in zip(_TABLES, zip(*made, strict=True), strict=True):
                connection.executemany(recording.insert_statement(table, rows[0]), rows)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


def numbered(picture: bytes, number: int) -> bytes:
    """The picture with a comment (ITU-T T.81, B.2.4.5) in it, so that no two are the same."""
    comment = b"%020d" % number
    return picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + picture[2:]


def _row(
    number: int, sequence: int, source: random.Random, picture: bytes | None, images: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    moment = _BEGINNING + number * _INTERVAL
    message_id = time_ordered_id(
        int(moment.timestamp() * 1000), source.getrandbits(8 * RANDOM_BYTES).to_bytes(RANDOM_BYTES)
    )
    name = sha256 = None
    if picture is not None:
        content = numbered(picture, number)
        name, sha256 = picture_name(message_id, moment), hashlib.sha256(content).hexdigest()
        (images / name).write_bytes(content)
    timestamp = recording.timestamp_text(moment, UTC)
    plate = "".join(source.choices(_LETTERS, k=3)) + f"{source.randrange(10_000):04}"
    metadata = {
        "frame_id": message_id,
        "timestamp": timestamp,
        "exposure_time": 0.004,
        "analog_gain": 2.0,
        "lux": float(source.randrange(5_000)),
        "image_filename": name,
        "processed_image_filename": name,
    }
    row = {
        "frame_id": message_id,
        "timestamp": timestamp,
        "license_plate_text": plate,
        "lp_confidence": round(source.uniform(0.6, 1.0), 3),
        "lp_box_x": 200,
        "lp_box_y": 240,
        "lp_box_w": 120,
        "lp_box_h": 36,
        "lp_image_filename": name,
        "region": "eu",
        "direction": "approaching",
        "dwell_s": round(source.uniform(0.5, 4.0), 3),
        "evidence": msgspec.json.encode(_evidence(plate, moment, source)).decode(),
        "image_sha256": sha256,
        "image_status": "missing" if picture is None else "present",
        "message_id": message_id,
        "sequence": sequence,
        "clock_state": "synchronised",
        "boot_id": "7d0f2c52-2f0e-4f6f-9a39-0c8a5b1e6d10",
        "boot_time_s": 100.0 + number,
    }
    return metadata, row


def _evidence(plate: str, moment: datetime, source: random.Random) -> dict[str, Any]:
    """As the pipeline makes it (agent/pipeline/evidence.py) of five looks: some 1.2 KB."""
    return {
        "frame_size": [640, 480],
        "box": [200, 240, 120, 36],
        "readings": [
            {
                "text": plate,
                "confidence": round(source.random(), 3),
                "at": (moment + timedelta(milliseconds=100 * look)).isoformat(),
                "box": [200 + look, 240 + look, 120, 36],
            }
            for look in range(5)
        ],
        "characters": [
            {"text": text, "confidence": round(source.random(), 3), "alternatives": [["8", 0.012]]}
            for text in plate
        ],
        "model": "PP-OCRv6_rec_small",
        "thresholds": {"min_confidence": 0.5, "min_readings": 2, "single_confidence": 0.9},
        "first_seen": moment.isoformat(),
        "last_seen": (moment + timedelta(seconds=1)).isoformat(),
        "direction": "approaching",
        "region": "eu",
        "format": "AAA0000",
        "refused": [],
    }


def picture_of(seed: int) -> bytes:
    """A noisy JPEG of 640x480 pixels that comes closest to PICTURE_BYTES."""
    noise = np.random.default_rng(seed).normal(128, 28, (120, 160, 3)).clip(0, 255)
    pixels = cv2.resize(noise.astype(np.uint8), (640, 480), interpolation=cv2.INTER_LINEAR)
    return min(_encodings(pixels), key=lambda content: abs(len(content) - PICTURE_BYTES))


def _encodings(pixels: cv2.typing.MatLike) -> Iterator[bytes]:
    for quality in range(20, 100, 2):
        yield cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


_NUMBERS: Final = "WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) "
_NAME: Final = "printf('0190%04x-%04x-7000-8000-%012x', i >> 16, i & 65535, i)"
_MOMENT: Final = "strftime('%Y-%m-%dT%H:%M:%S.000+00:00', 1700000000 + i, 'unixepoch')"
_OLD_METADATA: Final = (
    f"{_NUMBERS} INSERT INTO camera_metadata (frame_id, timestamp, exposure_time, lux) "  # noqa: S608 (our own names)
    f"SELECT {_NAME}, {_MOMENT}, 0.004, 250.0 FROM n"
)
_OLD_ROWS: Final = (
    f"{_NUMBERS} INSERT INTO detection_results (frame_id, timestamp, license_plate_text, "  # noqa: S608 (our own names)
    "lp_confidence, region, evidence, image_status, message_id, sequence, clock_state, "
    "sent_to_server, sent_timestamp) "
    f"SELECT {_NAME}, {_MOMENT}, printf('ABC%04d', i % 10000), 0.9, 'eu', '{{}}', 'missing', "
    f"{_NAME}, i, 'synchronised', 1, {_MOMENT} FROM n"
)


def fill_acknowledged(
    database: Path, images: Path, rows: int, progress: Callable[[int], None]
) -> None:
    """A database with so many rows that were sent long ago (with short evidence, no pictures)."""
    Outbox.open(database, images, DEVICE).close()
    connection = connect(database, Purpose.RECORDING)
    connection.pragma("synchronous", 0)
    for first in range(1, rows + 1, _OLD_BATCH):
        last = min(first + _OLD_BATCH - 1, rows)
        with transaction(connection):
            connection.execute(_OLD_METADATA, (first, last))
            connection.execute(_OLD_ROWS, (first, last))
            connection.execute(
                "UPDATE store SET last_sequence = ?1, captured = ?1, acknowledged = ?1", (last,)
            )
        progress(last - first + 1)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


class OneByOne:
    """Rows recorded as a camera does it, each in a transaction of its own, but for its picture."""

    def __init__(self, database: Path, images: Path, *, first: int, seed: int) -> None:
        self._connection = connect(database, Purpose.RECORDING)
        self._images = images
        self._number = first
        self._source = random.Random(seed)

    def record(self) -> None:
        """The next row, durable when this returns."""
        self._number += 1
        with transaction(self._connection):
            sequence = books.next_sequences(self._connection, 1)
            made = _row(self._number, sequence, self._source, None, self._images)
            for table, row in zip(_TABLES, made, strict=True):
                self._connection.execute(recording.insert_statement(table, row), row)

    def close(self) -> None:
        self._connection.close()
