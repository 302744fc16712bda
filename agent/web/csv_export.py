"""Sightings as CSV. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from db.csv_lines import csv_lines

COLUMNS: Final = (
    "id",
    "timestamp",
    "license_plate_text",
    "lp_confidence",
    "direction",
    "region",
    "dwell_s",
    "lp_box_x",
    "lp_box_y",
    "lp_box_w",
    "lp_box_h",
    "lp_image_filename",
    "exposure_time",
    "analog_gain",
    "lux",
    "sent_to_server",
    "sent_timestamp",
    "send_error",
)


def header() -> str:
    return csv_lines([COLUMNS])


def rows(found: Iterable[Mapping[str, Any]]) -> str:
    """Lines of these rows."""
    return csv_lines([row[name] for name in COLUMNS] for row in found)
