"""Routes of the analyses: how well each service works, what changed, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter

from server.accounts.permissions import Permission
from server.analytics.insights import insights
from server.analytics.performance import Episode, Performance, performance, usual_rate_of
from server.errors import QuestionInvalid
from server.storage.reading.cameras import CameraState
from server.web.api.cameras import DEFAULT_SPAN, From, To
from server.web.api.filters import moment
from server.web.api.parts import ApiParts
from server.web.api.problems import responses
from server.web.api.usage import UsageReport, usage_report
from server.web.security.demands import requires

LONGEST: Final = timedelta(days=92)
DAY: Final = timedelta(days=1)


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


def analytics_router(parts: ApiParts) -> APIRouter:
    """Everything below /api/v1/analytics."""
    router = APIRouter(prefix="/api/v1/analytics", tags=["analytics"])
    refused = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)

    @router.get(
        "/performance",
        dependencies=[requires(Permission.SEE_SERVER)],
        responses=refused,
    )
    async def performance_report(since: From = None, until: To = None) -> PerformanceReport:
        """How each service fared, by default within the last day. docs/monitoring.md has the
        formula of the score and what trends and episodes are."""
        return await _report(parts, *_stretch(parts, since, until))

    @router.get("/usage", dependencies=[requires(Permission.SEE_SERVER)], responses=refused)
    async def usage(since: From = None, until: To = None) -> UsageReport:
        """Sightings by day, hour and camera, plates that come again, people at work, and how all of
        it grew; by default of the last day."""
        return await usage_report(parts, *_stretch(parts, since, until))

    return router


def _stretch(parts: ApiParts, since: str | None, until: str | None) -> tuple[datetime, datetime]:
    """Raises QuestionInvalid."""
    end = moment("to", until, parts.zone, ends=True) or parts.now() + timedelta(seconds=1)
    begin = moment("from", since, parts.zone) or end - DEFAULT_SPAN
    if not timedelta() < end - begin <= LONGEST:
        raise QuestionInvalid(
            f"from {begin.isoformat()} to {end.isoformat()}: expected a stretch of at most "
            f"{LONGEST.days} days"
        )
    return begin, end


async def _report(parts: ApiParts, begin: datetime, end: datetime) -> PerformanceReport:
    minutes = await parts.services.minutes(begin=begin, end=end)
    # The same hours of the day before, or the stretch before a longer one.
    back = max(DAY, end - begin)
    earlier = await parts.services.minutes(begin=begin - back, end=end - back)
    found = [
        report
        for service, works in minutes.items()
        if (
            report := performance(
                service, works, usual_rate=usual_rate_of(earlier.get(service, ()))
            )
        )
    ]
    board = await parts.cameras.board(now=parts.now(), connected=parts.connected())
    silent = [card.device_id for card in board if card.state is CameraState.SILENT]
    told = insights(found, silent_cameras=silent)
    return PerformanceReport(
        begins_at=begin,
        ends_at=end,
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
