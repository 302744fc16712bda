"""How well each service works, as pages and REST tell it: from kept minutes and the board."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from server.analytics.insights import insights
from server.analytics.performance import Episode, Performance, performance, usual_rate_of
from server.analytics.silence import Silence, silences
from server.analytics.work import Work
from server.storage.reading.cameras import Cameras, CameraState
from server.storage.reading.services import ServiceHistory
from server.storage.reading.usage import UsageCounts

DAY: Final = timedelta(days=1)
PRESENT: Final = timedelta(minutes=15)
"""A time that ends so long ago, or later, reaches to now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendReport:
    """Change by the hour with its interval of 95% certainty; `direction` is rising, falling or
    unclear."""

    slope_per_hour: float
    low: float
    high: float
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReport:
    """Times in seconds, `error_rate` 0..1, `score` of 100 with its parts 0..1; null: not known."""

    service: str
    requests: int
    errors: int | None
    request_rate: float | None
    error_rate: float | None
    response_time_avg: float | None
    response_time_95th: float | None
    score: float | None
    score_parts: Mapping[str, float]
    trends: Mapping[str, TrendReport]
    episodes: tuple[Episode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightReport:
    """`severity` is note, warning or critical."""

    severity: str
    subject: str
    text: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceReport:
    """Of the time from `begins_at` to `ends_at`; the gravest insights come first."""

    begins_at: datetime
    ends_at: datetime
    services: tuple[ServiceReport, ...]
    insights: tuple[InsightReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWork:
    """What services did from `begin` to `end`, minute by minute, and `earlier` for comparison: in
    the same hours of the day before, or the stretch before a longer one. `silences` tell when
    cameras saw nothing, against the day before each hour."""

    begin: datetime
    end: datetime
    minutes: Mapping[str, Sequence[Work]]
    earlier: Mapping[str, Sequence[Work]]
    silences: tuple[Silence, ...] = ()


async def kept_work(
    services: ServiceHistory, usage: UsageCounts, *, begin: datetime, end: datetime
) -> KeptWork:
    """Raises StorageUnavailable, and TookTooLong."""
    back = max(DAY, end - begin)
    counts = await usage.hours(begin=begin - DAY, end=end)
    return KeptWork(
        begin=begin,
        end=end,
        minutes=await services.minutes(begin=begin, end=end),
        earlier=await services.minutes(begin=begin - back, end=end - back),
        silences=silences(counts, counts, begin=begin, end=end, back=DAY),
    )


async def performance_report(
    kept: KeptWork,
    cameras: Cameras,
    *,
    now: datetime,
    connected: Collection[str],
    zone: tzinfo,
) -> PerformanceReport:
    """Times in words are those of `zone`. Which cameras are silent now is told where the time
    reaches to now. Raises StorageUnavailable, and TookTooLong."""
    # A month takes seconds, which the cameras' connections must not wait for.
    found = await asyncio.to_thread(_analysed, kept)
    silent: list[str] = []
    if kept.end >= now - PRESENT:
        board = await cameras.board(now=now, connected=connected)
        silent = [card.device_id for card in board if card.state is CameraState.SILENT]
    told = insights(found, silent_cameras=silent, silences=kept.silences, zone=zone)
    return PerformanceReport(
        begins_at=kept.begin,
        ends_at=kept.end,
        services=tuple(_service(each) for each in found),
        insights=tuple(
            InsightReport(
                severity=each.severity.name.lower(),
                subject=each.subject,
                text=each.text,
                advice=each.advice,
            )
            for each in told
        ),
    )


def _analysed(kept: KeptWork) -> list[Performance]:
    """Of each service."""
    found = (
        performance(name, works, usual_rate=usual_rate_of(kept.earlier.get(name, ())))
        for name, works in kept.minutes.items()
    )
    return [each for each in found if each is not None]


def _service(found: Performance) -> ServiceReport:
    work = found.work
    return ServiceReport(
        service=found.service,
        requests=work.requests,
        errors=work.errors,
        request_rate=work.rate,
        error_rate=work.error_rate,
        response_time_avg=work.mean_s,
        response_time_95th=work.quantile_s(0.95),
        score=None if found.score is None else found.score.points,
        score_parts={} if found.score is None else found.score.parts,
        trends={
            name: TrendReport(
                slope_per_hour=each.slope,
                low=each.low,
                high=each.high,
                direction=each.direction.value,
            )
            for name, each in found.trends.items()
        },
        episodes=found.episodes,
    )
