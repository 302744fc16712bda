"""Sightings as CSV that a spreadsheet shows as text and never runs. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

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
_STARTS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""owasp.org/www-community/attacks/CSV_Injection"""


def header() -> str:
    return _lines([COLUMNS])


def rows(found: Iterable[Mapping[str, Any]]) -> str:
    """Lines of these rows; each text that would begin a formula is led by an apostrophe."""
    return _lines([cell(row[name]) for name in COLUMNS] for row in found)


def cell(value: Any) -> Any:
    """Numbers stay numbers; a text never begins a formula."""
    if isinstance(value, str) and value.lstrip().startswith(_STARTS_FORMULA):
        return f"'{value}"
    if isinstance(value, str) and value.startswith(_STARTS_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _lines(values: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(values)
    return text.getvalue()
