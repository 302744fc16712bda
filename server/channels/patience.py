"""When a delivery that failed is tried again, and when it is given up. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

FIRST_S: Final = 0.1
FACTOR: Final = 3.0
LONGEST_S: Final = 3600.0
TRIED_FOR: Final = timedelta(days=1)


def next_attempt(
    attempts: int, *, ordered_at: datetime, now: datetime, chance: float
) -> datetime | None:
    """After so many attempts (1 or more): each wait is three times the one before, an hour at most,
    less up to half of it by `chance` (0..1), so that many do not come at once. A hiccup costs a
    tenth of a second, an hour without network no more than an hour. None: a day is over.
    """
    wait_s = min(LONGEST_S, FIRST_S * FACTOR ** min(attempts - 1, 20))
    at = now + timedelta(seconds=wait_s * (1 - chance / 2))
    return at if at < ordered_at + TRIED_FOR else None
