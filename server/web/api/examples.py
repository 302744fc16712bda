"""Answers as the documentation of the routes shows them; a test holds them to their types."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

SIGHTING_CARD: Final[dict[str, Any]] = {
    "id": 90210,
    "plate": "1กก 1234",
    "read_plate": "1กก 1Z34",
    "is_corrected": True,
    "device_id": "gate-north",
    "checkpoint_id": "1",
    "hostname": "aicamera",
    "captured_at": "2026-08-06T03:30:00.250000Z",
    "timestamp": "2026-08-06T10:30:00.250000+07:00",
    "received_at": "2026-08-06T03:30:01.500000Z",
    "confidence_percent": 95.5,
    "region": "th",
    "direction": "approaching",
    "image_status": "present",
    "has_picture": True,
    "likelihood": 1.0,
}
SIGHTING_PAGE: Final[dict[str, Any]] = {
    "cards": [SIGHTING_CARD],
    "next_cursor": "WyI4ZjBjMmQ0MSIsOTAyMTBd",
    "searched_back_to": None,
}
CORRECTION: Final[dict[str, Any]] = {
    "id": 7,
    "sighting_id": 90210,
    "plate": "1กก 1234",
    "plate_before": "1กก 1Z34",
    "by": "somchai",
    "at": "2026-08-06T04:00:00Z",
    "note": "read from the picture",
    "undoes": None,
}
SIGHTING_DETAIL: Final[dict[str, Any]] = {
    "card": SIGHTING_CARD | {"likelihood": None},
    "evidence": {
        "readings": [
            {
                "text": "1กก 1Z34",
                "confidence": 0.91,
                "at": "2026-08-06T03:29:59.900000Z",
                "box": [200, 240, 120, 36],
            }
        ],
        "characters": [{"text": "Z", "confidence": 0.55, "alternatives": [["2", 0.4]]}],
        "refused": [],
        "model": "th_PP-OCRv5_rec_mobile",
        "thresholds": {"min_confidence": 0.5, "min_readings": 2.0},
        "first_seen": "2026-08-06T03:29:59Z",
        "last_seen": "2026-08-06T03:30:01Z",
        "region": "th",
        "region_certainty": 0.98,
        "format": "0กก 0000",
        "is_partial": False,
        "province": None,
        "whole": {"model": "th_PP-OCRv5_rec_mobile"},
    },
    "corrections": [CORRECTION],
    "vehicle_type": "car",
    "vehicle_color": "white",
    "latitude": "13.7563",
    "longitude": "100.5018",
    "exposure_time_s": 0.004,
    "analog_gain": 2.0,
    "lux": 250.0,
    "dwell_s": 1.75,
    "clock_state": "synchronised",
    "message_id": "0198835e-1b7a-7c3e-9a51-2f6d8c40b1e7",
    "epoch": "8f0c2d41",
    "sequence": 1017,
    "image_sha256": "3005775cfbd40eb9393aec86bb1b599b9b7e1e06e06bf5b9a431a006c6d1574a",
}
CAMERA_CARD: Final[dict[str, Any]] = {
    "device_id": "gate-north",
    "hostname": "aicamera",
    "checkpoint_id": "1",
    "state": "online",
    "is_connected": True,
    "first_seen": "2026-08-01T00:00:00Z",
    "last_seen": "2026-08-06T03:30:01.500000Z",
    "version": "0.1.0",
    "waiting": 0,
    "oldest_waiting_at": None,
    "clock_offset_s": 0.02,
    "clock_state": "synchronised",
    "temperature_c": 61.2,
    "throttled": [],
    "faults": [
        {
            "component": "disk",
            "status": "WARN",
            "message": "2.1 GB of 31.0 GB free: make room soon",
            "at": "2026-08-06T03:28:00Z",
        }
    ],
    "latest_sighting_at": "2026-08-06T03:30:00.250000Z",
}
CAMERA_BOOKS: Final[dict[str, Any]] = {
    "device_id": "gate-north",
    "report": None,
    "epochs": [
        {
            "epoch": "8f0c2d41",
            "last_sequence": 1017,
            "begins_after": 0,
            "rows_stored": 1005,
            "rows_before": 0,
            "rows_later": 0,
            "captured": 1017,
            "missing": 12,
            "first_received_at": "2026-08-01T00:00:00Z",
            "last_received_at": "2026-08-06T03:30:01.500000Z",
        }
    ],
    "days": [
        {
            "day": "2026-08-06",
            "captured": 400,
            "acknowledged": 388,
            "waiting": 0,
            "refused": 0,
            "evicted": 12,
            "unexplained": 0,
        }
    ],
    "gaps": [
        {
            "epoch": "8f0c2d41",
            "first": 603,
            "last": 614,
            "cause": "evicted",
            "after": "2026-08-06T01:00:00Z",
            "before": "2026-08-06T01:20:00Z",
            "explanation": "the camera gave up 12 rows of lpr_detection at 2026-08-06 01:19 UTC "
            "(disk_full)",
        }
    ],
    "more_gaps": 0,
    "evictions": [],
    "kept_since": "2026-07-07",
}
DATA_SIZES: Final[dict[str, Any]] = {
    "database": "db/websocket_server.db",
    "database_bytes": 2_473_996_288,
    "log_bytes": 4_124_152,
    "picture_bytes": 12_400_000_000,
    "picture_files": 31,
    "disk_free_bytes": 80_000_000_000,
    "disk_total_bytes": 250_000_000_000,
    "retention_days": 365,
    "tables": [
        {
            "name": "lpr_detections",
            "rows": 1_000_000,
            "about_bytes": 1_700_000_000,
            "oldest_at": "2026-07-06T00:00:00Z",
            "newest_at": "2026-08-06T03:30:01.500000Z",
        }
    ],
    "days": [{"day": "2026-08-06", "sightings": 400, "picture_bytes": 18_000_000}],
}


def shown(example: Any, status: HTTPStatus = HTTPStatus.OK) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses=`."""
    return {status.value: {"content": {"application/json": {"example": example}}}}
