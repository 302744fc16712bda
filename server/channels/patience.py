"""When a delivery that failed is tried again or given up, and how long a channel rests. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.channels.contract import LONGEST_WAIT

FIRST_S: Final = 0.1
FACTOR: Final = 3.0
LONGEST_S: Final = LONGEST_WAIT.total_seconds()
LONGEST_REST_S: Final = 60.0
TRIED_FOR: Final = timedelta(days=1)
SAID_EVERY: Final = timedelta(hours=1)
"""Of a channel that takes nothing, so often the log says so."""
_DEAF_AFTER: Final = 8
"""Failures one after the other: the last of their rests are the longest."""


def next_attempt(
    attempts: int, *, ordered_at: datetime, now: datetime, chance: float
) -> datetime | None:
    """After so many attempts (1 or more): each wait is three times the one before, an hour at most,
    less up to half of it by `chance` (0..1), so that many do not come at once. A hiccup costs a
    tenth of a second, an hour without network no more than an hour. None: a day is over.
    """
    at = now + timedelta(seconds=_wait_s(attempts, LONGEST_S, chance))
    return None if is_over(ordered_at, at) else at


def is_over(ordered_at: datetime, now: datetime) -> bool:
    """Whether it was tried for as long as anything is."""
    return now >= ordered_at + TRIED_FOR


def waited_until(at: datetime, now: datetime, *, longest_s: float = LONGEST_S) -> datetime:
    """`at`; now where that is further off than anything waits: the clock was set back since."""
    return now if (at - now).total_seconds() > longest_s else at


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A channel that failed at so many things one after the other: until `rests_until` it is told
    nothing, so that what waits there does not knock all at once. The log was told at `said_at`."""

    failures: int
    begun_at: datetime
    rests_until: datetime
    said_at: datetime

    @property
    def is_deaf(self) -> bool:
        """It took nothing for minutes: no single message is to blame."""
        return self.failures >= _DEAF_AFTER


def silence_after(held: Silence | None, now: datetime, chance: float) -> Silence:
    """After one more failure: rests grow as waits do, to a minute at most. `said_at` is now where
    the log is to be told."""
    failures = 1 if held is None else held.failures + 1
    return Silence(
        failures=failures,
        begun_at=now if held is None else held.begun_at,
        rests_until=now + timedelta(seconds=_wait_s(failures, LONGEST_REST_S, chance)),
        said_at=now if held is None or now - held.said_at >= SAID_EVERY else held.said_at,
    )


def _wait_s(failures: int, longest_s: float, chance: float) -> float:
    return min(longest_s, FIRST_S * FACTOR ** min(failures - 1, 20)) * (1 - chance / 2)
