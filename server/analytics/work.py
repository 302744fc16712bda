"""What one service did within a stretch of time: the values that every analysis is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from telemetry.distribution import Spread, sum_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Requests that were answered in `seconds` from `at` on, `errors` of them wrongly (None where
    nobody counted).

    `times` says how long they took, None where nobody measured it. `load` is the fullest of its
    resources, 0..1 of what it may take, likewise.
    """

    at: datetime
    seconds: float
    requests: int
    errors: int | None
    times: Spread | None = None
    load: float | None = None

    @property
    def rate(self) -> float | None:
        """Requests a second; None of no time."""
        return self.requests / self.seconds if self.seconds > 0 else None

    @property
    def error_rate(self) -> float | None:
        """0..1; None where nothing was asked, or nobody counted."""
        if self.errors is None or not self.requests:
            return None
        return self.errors / self.requests

    @property
    def mean_s(self) -> float | None:
        """Seconds of a request, on average; None where none was timed."""
        return None if self.times is None else self.times.mean

    def quantile_s(self, share: float) -> float | None:
        """Seconds that `share` of the requests do not exceed; None where none was timed."""
        return None if self.times is None else self.times.quantile(share)


def together(parts: Sequence[Work]) -> Work | None:
    """Consecutive stretches as one; None of none. The load is the heaviest."""
    if not parts:
        return None
    loads = [part.load for part in parts if part.load is not None]
    return Work(
        at=parts[0].at,
        seconds=sum(part.seconds for part in parts),
        requests=sum(part.requests for part in parts),
        errors=sum_or_none(part.errors for part in parts),
        times=sum_of(part.times for part in parts if part.times is not None),
        load=max(loads, default=None),
    )


def at_once(parts: Sequence[Work]) -> Work | None:
    """The same stretch in several processes as one; None of none. The load is the heaviest."""
    whole = together(parts)
    return whole and replace(whole, seconds=max(part.seconds for part in parts))


def sum_or_none(counts: Iterable[int | None]) -> int | None:
    """Of those that were counted; None where none was."""
    counted = [count for count in counts if count is not None]
    return sum(counted) if counted else None
