"""What the system is used for, as pages and REST tell it: sightings and requests by day, hour and
camera, plates, people, and how it grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from server.analytics.usage import HOURS, Growth, People, PlateCounts, people, sightings
from server.analytics.work import Work
from server.storage.reading.usage import UsageCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUsage:
    """What was asked of one service, by day and by hour of the day."""

    total: int
    by_day: Mapping[date, int]
    by_hour: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """Of the time from `begins_at` to `ends_at`, by the time of capture; `..._before` are of as
    long a time before it. `sightings_growth` 0.1 is a tenth more, null: there was none before.
    `requests` are those of each service of the server. Days and hours are those of the server's
    time zone. `demographics` null: no analyser's findings are kept with sightings."""

    begins_at: datetime
    ends_at: datetime
    sightings: int
    sightings_before: int
    sightings_growth: float | None
    by_day: Mapping[date, int]
    by_hour: tuple[int, ...]
    busiest_hours: tuple[int, ...]
    by_camera: Mapping[str, int]
    plates: PlateCounts
    requests: Mapping[str, ServiceUsage]
    people: People
    demographics: Mapping[str, Any] | None = None


async def usage_report(
    usage: UsageCounts,
    works: Mapping[str, Sequence[Work]],
    *,
    begin: datetime,
    end: datetime,
    zone: tzinfo,
) -> UsageReport:
    """`works` are those of each service in that time. Raises StorageUnavailable, TookTooLong."""
    back = end - begin
    counts = sightings(await usage.hours(begin=begin, end=end), zone)
    before = sightings(await usage.hours(begin=begin - back, end=begin), zone)
    growth = Growth(now=counts.total, before=before.total)
    earlier = await usage.deeds(begin=begin - back, end=begin)
    return UsageReport(
        begins_at=begin,
        ends_at=end,
        sightings=counts.total,
        sightings_before=before.total,
        sightings_growth=growth.share,
        by_day=counts.by_day,
        by_hour=counts.by_hour,
        busiest_hours=counts.busiest,
        by_camera=counts.by_camera,
        plates=await usage.plates(begin=begin, end=end),
        requests={name: _requests(each, zone) for name, each in works.items()},
        people=people(await usage.deeds(begin=begin, end=end), earlier.people),
    )


def _requests(works: Sequence[Work], zone: tzinfo) -> ServiceUsage:
    by_day: Counter[date] = Counter()
    by_hour = [0] * HOURS
    for work in works:
        local = work.at.astimezone(zone)
        by_day[local.date()] += work.requests
        by_hour[local.hour] += work.requests
    return ServiceUsage(total=by_day.total(), by_day=dict(by_day), by_hour=tuple(by_hour))
