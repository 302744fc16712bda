"""Rows as CSV (RFC 4180) that a spreadsheet shows as text and never runs. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

_STARTS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""owasp.org/www-community/attacks/CSV_Injection"""


def csv_lines(rows: Iterable[Iterable[Any]]) -> str:
    """A line for each row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(map(cell, row) for row in rows)
    return text.getvalue()


def cell(value: Any) -> Any:
    """Numbers stay numbers; a text never begins a formula: it is led by an apostrophe then."""
    if not isinstance(value, str):
        return "" if value is None else value
    is_formula = value.startswith(_STARTS_FORMULA) or value.lstrip().startswith(_STARTS_FORMULA)
    return f"'{value}" if is_formula else value
