"""Times as the account tables have them: UTC, ISO 8601 with offset, to the second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def moment_of(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))


def moment_or_none(text: Any) -> datetime | None:
    return None if text is None else moment_of(text)
