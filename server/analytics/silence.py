"""Cameras that saw nothing while they usually see much. Pure.

The usual is what the same camera saw in the same hours of a time before: a quiet night or a Sunday
is no silence where the one before was quiet too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.analytics.usage import HourCount

LEAST_MISSED: Final = 20
"""With so many expected, seeing none by chance is out of the question (exp(-20), Poisson)."""
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Whole hours in a row in which a camera saw nothing; `missed` is what it saw in the same hours
    of the time before."""

    camera: str
    begins_at: datetime
    ends_at: datetime
    missed: int


def silences(
    counts: Iterable[HourCount],
    earlier: Iterable[HourCount],
    *,
    begin: datetime,
    end: datetime,
    back: timedelta,
) -> tuple[Silence, ...]:
    """Between `begin` and `end`, in the order of their time; `earlier` are of `back`, whole hours,
    before."""
    seen = {(each.camera, each.at) for each in counts if each.count}
    usual: dict[str, dict[datetime, int]] = defaultdict(dict)
    for each in earlier:
        usual[each.camera][each.at + back] = each.count
    found = [
        silence
        for camera, hours in usual.items()
        for silence in _of_camera(camera, hours, seen, begin, end)
    ]
    return tuple(sorted(found, key=lambda each: (each.begins_at, each.camera)))


def _of_camera(
    camera: str,
    usual: dict[datetime, int],
    seen: set[tuple[str, datetime]],
    begin: datetime,
    end: datetime,
) -> Iterator[Silence]:
    began: datetime | None = None
    missed = 0
    at = _next_hour(begin)
    while True:
        is_over = at + HOUR > end
        if not is_over and (camera, at) not in seen:
            began = at if began is None else began
            missed += usual.get(at, 0)
        else:
            if began is not None and missed >= LEAST_MISSED:
                yield Silence(camera=camera, begins_at=began, ends_at=at, missed=missed)
            began, missed = None, 0
        if is_over:
            return
        at += HOUR


def _next_hour(at: datetime) -> datetime:
    whole = at.replace(minute=0, second=0, microsecond=0)
    return whole if whole == at else whole + HOUR
