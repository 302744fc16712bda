"""Routes of the analyses: how well each service works, what changed, and what to do about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter

from server.accounts.permissions import Permission
from server.errors import QuestionInvalid
from server.web.analysing import PerformanceReport, kept_work, performance_report
from server.web.api.cameras import DEFAULT_SPAN, From, To
from server.web.api.filters import moment
from server.web.api.parts import ApiParts
from server.web.api.problems import responses
from server.web.api.usage import UsageReport, usage_report
from server.web.security.demands import requires

LONGEST: Final = timedelta(days=31)


def analytics_router(parts: ApiParts) -> APIRouter:
    """Everything below /api/v1/analytics."""
    router = APIRouter(prefix="/api/v1/analytics", tags=["analytics"])
    refused = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)

    @router.get(
        "/performance",
        dependencies=[requires(Permission.SEE_SERVER)],
        responses=refused,
    )
    async def performance(since: From = None, until: To = None) -> PerformanceReport:
        """How each service fared, by default within the last day. docs/monitoring.md has the
        formula of the score and what trends and episodes are."""
        begin, end = _stretch(parts, since, until)
        return await performance_report(
            await kept_work(parts.services, begin=begin, end=end),
            parts.cameras,
            now=parts.now(),
            connected=parts.connected(),
            zone=parts.zone,
        )

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
