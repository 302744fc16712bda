"""Who and what uses the system, and when: counts by the hour become days, busiest hours, growth.
Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

HOURS: Final = 24
BUSIEST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCount:
    """Sightings of plates by one camera, captured within the hour from `at` on."""

    at: datetime
    camera: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateCounts:
    """Different plates, and how many of these were seen on more than one day (UTC); texts that
    readers take for one another count as one plate."""

    unique: int
    returning: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """People who did something that the audit log holds, and for each kind of deed who did it."""

    people: frozenset[str]
    by_action: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A count against the same of as long before; `share` 0.1 is a tenth more, None: from
    nothing."""

    now: int
    before: int

    @property
    def share(self) -> float | None:
        return self.now / self.before - 1 if self.before else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """By day, by hour of the day (0 to 23) and by camera; `busiest` hours of the day first."""

    total: int
    by_day: Mapping[date, int]
    by_hour: tuple[int, ...]
    by_camera: Mapping[str, int]
    busiest: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """`retention` is the share, 0..1, of those who were active before that are so again, `adoption`
    for each deed the share of those active who did it; None or empty where nobody was."""

    active: int
    active_before: int
    retention: float | None
    adoption: Mapping[str, float]


def sightings(counts: Iterable[HourCount], zone: tzinfo) -> Sightings:
    """Days and hours are those of `zone`."""
    by_day: Counter[date] = Counter()
    by_hour = [0] * HOURS
    by_camera: Counter[str] = Counter()
    for each in counts:
        local = each.at.astimezone(zone)
        by_day[local.date()] += each.count
        by_hour[local.hour] += each.count
        by_camera[each.camera] += each.count
    hours = sorted((hour for hour in range(HOURS) if by_hour[hour]), key=lambda h: (-by_hour[h], h))
    return Sightings(
        total=by_camera.total(),
        by_day=dict(sorted(by_day.items())),
        by_hour=tuple(by_hour),
        by_camera=dict(by_camera.most_common()),
        busiest=tuple(hours[:BUSIEST]),
    )


def people(now: Deeds, before: Collection[str]) -> People:
    """`before` are those who were active in as long a time before."""
    active = len(now.people)
    return People(
        active=active,
        active_before=len(before),
        retention=len(now.people.intersection(before)) / len(before) if before else None,
        adoption={action: len(who) / active for action, who in sorted(now.by_action.items())},
    )
