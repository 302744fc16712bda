"""Times as rows have them: UTC, ISO 8601 with offset, so that they sort as texts. Pure.

Of long stretches a chart gets a value for each step of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

YEARS: Final = range(1970, 2200)
"""In which rows are captured; each of their moments is a time in every zone."""


def text_of(moment: datetime) -> str:
    """To the millisecond, as rows of cameras have it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def stamp(moment: datetime) -> str:
    """To the second, as it is noted of what people and programs did."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def moment_of(text: Any) -> datetime | None:
    """A time with offset, in UTC; None where it is none, nobody knows its offset, or its year is
    out of YEARS."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        is_known = moment.tzinfo is not None and moment.year in YEARS
        return moment.astimezone(UTC) if is_known else None
    except (ValueError, OverflowError):
        return None


def own_moment(text: str) -> datetime:
    """Of a time that this program wrote, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Seconds since 1970 at which the first begins, and whole seconds of each."""

    begin_s: int
    length_s: int

    def at(self, step: int) -> datetime:
        """When that step begins, counted from 0."""
        return datetime.fromtimestamp(self.begin_s, UTC) + timedelta(seconds=step * self.length_s)


def steps_of(since: datetime, until: datetime, *, most: int) -> Steps:
    """A stretch of time in at most so many steps."""
    length_s = max(1, -(-int((until - since).total_seconds()) // most))
    return Steps(begin_s=int(since.timestamp()), length_s=length_s)
