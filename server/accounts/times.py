"""Reads the times of the account tables, which only this program writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def moment_of(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))


def moment_or_none(text: Any) -> datetime | None:
    return None if text is None else moment_of(text)
