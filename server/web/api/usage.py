"""The route of usage: sightings by day, hour and camera, plates, people, and how it grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from server.analytics.usage import Growth, People, PlateCounts, people, sightings
from server.web.api.parts import ApiParts


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """Of the time from `begins_at` to `ends_at`, by the time of capture; `..._before` are of as
    long a time before it. `sightings_growth` 0.1 is a tenth more, null: there was none before.
    `requests` are those of each service of the server. `busiest_hours` and `by_hour` are hours of
    the day in the server's time zone."""

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
    requests: Mapping[str, int]
    people: People


async def usage_report(parts: ApiParts, begin: datetime, end: datetime) -> UsageReport:
    back = end - begin
    counts = sightings(await parts.usage.hours(begin=begin, end=end), parts.zone)
    before = sightings(await parts.usage.hours(begin=begin - back, end=begin), parts.zone)
    growth = Growth(now=counts.total, before=before.total)
    minutes = await parts.services.minutes(begin=begin, end=end)
    earlier = await parts.usage.deeds(begin=begin - back, end=begin)
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
        plates=await parts.usage.plates(begin=begin, end=end),
        requests={name: sum(work.requests for work in works) for name, works in minutes.items()},
        people=people(await parts.usage.deeds(begin=begin, end=end), earlier.people),
    )
