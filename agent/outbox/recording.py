"""Rows as they are written: SQL and values for each kind of row. Opens nothing, commits nothing."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

import apsw
import msgspec

from agent.camera.frame import SensorFacts
from agent.outbox import books
from agent.outbox.spool import SpooledPicture
from agent.pipeline.sighting import FaceSighting, PlateSighting
from wire.limits import JSON_BYTES

Values = dict[str, Any]

_ROOM_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRow:
    """A row that is durable. `picture` is its name in the folder, None where it has none."""

    message_id: str
    sequence: int
    row_id: int
    picture: str | None = None


def timestamp_text(moment: datetime, zone: tzinfo | None) -> str:
    """Local time with offset, as people read it; `zone` None is this machine's."""
    return moment.astimezone(zone).isoformat(timespec="milliseconds")


def insert_next(
    connection: apsw.Connection, table: str, row: Values, metadata: Values | None
) -> tuple[int, int]:
    """The store's next row, after the camera's metadata of the same time: its sequence and id."""
    sequence = books.next_sequences(connection, 1)
    if metadata is not None:
        metadata = {**metadata, "timestamp": row["timestamp"]}
        connection.execute(insert_statement("camera_metadata", metadata), metadata)
    row = {**row, "sequence": sequence}
    connection.execute(insert_statement(table, row), row)
    return sequence, connection.last_insert_rowid()


def insert_statement(table: str, values: Values) -> str:
    """An INSERT that binds `values` by name."""
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    return f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - our own names


def metadata_values(
    frame_id: str, timestamp: str, sensor: SensorFacts, picture: SpooledPicture | None
) -> Values:
    """The `camera_metadata` row, without which an older sender would send the present time."""
    return {
        "frame_id": frame_id,
        "timestamp": timestamp,
        "exposure_time": sensor.exposure_time_s,
        "analog_gain": sensor.analog_gain,
        "digital_gain": sensor.digital_gain,
        "lux": sensor.lux,
        "colour_temperature": sensor.colour_temperature_k,
        "lens_position": sensor.lens_position,
        "focus_state": sensor.focus_state,
        "image_filename": picture.name if picture else None,
        "processed_image_filename": picture.name if picture else None,
    }


def plate_values(
    sighting: PlateSighting,
    frame_id: str,
    timestamp: str,
    picture: SpooledPicture | None,
    *,
    is_watched: bool,
) -> Values:
    """The `detection_results` row; the box in pixels of the frame, as evidence names its size."""
    x, y, width, height = sighting.box.as_xywh()
    return {
        "frame_id": frame_id,
        "timestamp": timestamp,
        "license_plate_text": sighting.plate,
        "lp_confidence": sighting.confidence,
        "lp_box_x": x,
        "lp_box_y": y,
        "lp_box_w": width,
        "lp_box_h": height,
        "lp_image_filename": picture.name if picture else None,
        "region": sighting.region,
        "vehicle_type": sighting.vehicle_type,
        "direction": sighting.direction,
        "dwell_s": sighting.dwell_s,
        "evidence": evidence_text(sighting, is_watched=is_watched),
        "watched": int(is_watched),
        "image_sha256": picture.sha256 if picture else None,
        "image_status": "present" if picture else "missing",
    }


def face_values(
    sighting: FaceSighting, frame_id: str, timestamp: str, picture: SpooledPicture | None
) -> Values:
    """The `face_results` row; the embedding as little-endian float32."""
    x, y, width, height = sighting.box.as_xywh()
    embedding = sighting.embedding
    landmarks = sighting.landmarks
    return {
        "frame_id": frame_id,
        "timestamp": timestamp,
        "confidence": sighting.confidence,
        "quality": sighting.quality,
        "box_x": x,
        "box_y": y,
        "box_w": width,
        "box_h": height,
        "landmarks": msgspec.json.encode(landmarks).decode() if landmarks else None,
        "embedding": struct.pack(f"<{len(embedding)}f", *embedding) if embedding else None,
        "embedding_model": sighting.embedding_model,
        "face_image_filename": picture.name if picture else None,
        "dwell_s": (sighting.last_seen_at - sighting.first_seen_at).total_seconds(),
        "evidence": evidence_text(sighting),
        "image_sha256": picture.sha256 if picture else None,
        "image_status": "present" if picture else "missing",
    }


def evidence_text(sighting: PlateSighting | FaceSighting, *, is_watched: bool = False) -> str:
    """The evidence as JSON with the frame's size, and `watched` where that is so; what is too large
    to be sent is cut to that."""
    height, width = sighting.picture.shape[:2]
    basics: dict[str, Any] = {
        "frame_size": [width, height],
        "box": list(sighting.box.as_xywh()),
        "first_seen": sighting.first_seen_at.isoformat(),
        "last_seen": sighting.last_seen_at.isoformat(),
    }
    if is_watched:
        basics["watched"] = True
    content = msgspec.json.encode({**basics, **sighting.evidence})
    if len(content) > JSON_BYTES - _ROOM_BYTES:
        content = msgspec.json.encode({**basics, "left_out_bytes": len(content)})
    return content.decode()
