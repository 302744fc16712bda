"""What time it really was: rows of one boot, recorded before and after the clock was set. Pure.

A wall clock that is set jumps; the time since boot does not. Their difference (the offset) says
which reading of the wall clock a time came from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from wire.rows import ClockState

LONGEST_LAG_S: Final = 600.0
"""A row is recorded within this time of its capture, or its time is not this clock's at all."""
SAME_S: Final = 0.5
"""Offsets closer than this are one: a clock that is kept right is slewed, not stepped."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The wall clock as it was at a moment of this boot: `offset_s` is wall time less boot time."""

    offset_s: float
    state: ClockState
    boot_time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """When in this boot something was captured, and what the clock was worth that told its time."""

    boot_time_s: float
    state: ClockState


def seen_now(now: datetime, *, boot_time_s: float, state: ClockState) -> Seen:
    """The clock at this moment; both times must have been read together."""
    offset_s = (now - _EPOCH).total_seconds() - boot_time_s
    return Seen(offset_s=offset_s, state=state, boot_time_s=boot_time_s)


def remembered(before: Iterable[Seen], newest: Seen) -> tuple[Seen, ...]:
    """What is still worth knowing, the newest last: each offset once, none that is long past."""
    oldest_s = newest.boot_time_s - LONGEST_LAG_S
    kept = (
        seen
        for seen in before
        if seen.boot_time_s >= oldest_s and abs(seen.offset_s - newest.offset_s) > SAME_S
    )
    return (*kept, newest)


def placed(captured_at: datetime, *, boot_time_s: float, clocks: Iterable[Seen]) -> Placed | None:
    """Where a time read from one of these clocks lies in the boot, seen from `boot_time_s`.

    The shortest lag is the likeliest. None where no clock fits: the time came from elsewhere (a
    file's, a picture's own) and no clock of this device can set it right.
    """
    wall_s = (captured_at - _EPOCH).total_seconds()
    fitting = [
        (boot_time_s - (wall_s - seen.offset_s), seen)
        for seen in clocks
        if -SAME_S <= boot_time_s - (wall_s - seen.offset_s) <= LONGEST_LAG_S
    ]
    if not fitting:
        return None
    lag_s, seen = min(fitting, key=lambda one: abs(one[0]))
    return Placed(boot_time_s=boot_time_s - lag_s, state=seen.state)


def true_time(boot_time_s: float, offset_s: float) -> datetime:
    """The wall time of a moment of this boot, by a clock that is right."""
    return _EPOCH + timedelta(seconds=boot_time_s + offset_s)
