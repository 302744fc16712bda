"""Routes of the analyses: how well each service works, what changed, and what to do about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from fastapi import Response
from pydantic import TypeAdapter

from db.csv_lines import csv_lines
from server.accounts.contract import Action
from server.accounts.permissions import Permission
from server.errors import QuestionInvalid
from server.web.analysing import PerformanceReport, kept_work, performance_report
from server.web.api.cameras import DEFAULT_SPAN, From, To
from server.web.api.export import BYTE_ORDER_MARK
from server.web.api.moments import moment
from server.web.api.parts import ApiParts
from server.web.api.problems import responses
from server.web.api.section import Section
from server.web.reporting import COLUMNS, Asked, InsightsReport, insights_report, lines_of
from server.web.security.demands import CurrentCaller, requires
from server.web.usage import UsageReport, usage_report

LONGEST: Final = timedelta(days=31)
_SEES: Final = [requires(Permission.SEE_SERVER)]
_REFUSED: Final = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)
_AS_JSON: Final = TypeAdapter(InsightsReport)


class Format(StrEnum):
    """json: one object. csv: a value a line, for spreadsheets."""

    JSON = "json"
    CSV = "csv"


def analytics_router(parts: ApiParts) -> Section:
    """Everything below /api/v1/analytics."""
    router = Section(prefix="/api/v1/analytics", tags=["analytics"])

    @router.get("/performance", dependencies=_SEES, responses=_REFUSED)
    async def performance(since: From = None, until: To = None) -> PerformanceReport:
        """How each service fared, by default within the last day. docs/monitoring.md has the
        formula of the score and what trends and episodes are."""
        begin, end = _stretch(parts, since, until)
        return await performance_report(
            await kept_work(parts.library.services, parts.library.usage, begin=begin, end=end),
            parts.library.cameras,
            now=parts.now(),
            connected=parts.connected(),
            zone=parts.zone,
        )

    @router.get("/usage", dependencies=_SEES, responses=_REFUSED)
    async def usage(since: From = None, until: To = None) -> UsageReport:
        """Sightings by day, hour and camera, plates that come again, people at work, and how all of
        it grew; by default of the last day."""
        begin, end = _stretch(parts, since, until)
        works = await parts.library.services.minutes(begin=begin, end=end)
        return await usage_report(parts.library.usage, works, begin=begin, end=end, zone=parts.zone)

    @router.get("/report", dependencies=_SEES, responses=_REFUSED)
    async def report(since: From = None, until: To = None) -> InsightsReport:
        """All of it together, of up to 92 days: what to know and do, how services fared, how the
        system was used; by default of the last day."""
        return await _report(parts, since, until)

    @router.get(
        "/report/export",
        dependencies=_SEES,
        response_class=Response,
        responses=_REFUSED | {200: {"content": {"text/csv": {}, "application/json": {}}}},
    )
    async def take_away(
        caller: CurrentCaller,
        since: From = None,
        until: To = None,
        format: Format = Format.CSV,  # noqa: A002 (the word in the address)
    ) -> Response:
        """The report as a file. Audited."""
        made = await _report(parts, since, until)
        stretch = f"{made.begins_at.isoformat()} to {made.ends_at.isoformat()}"
        await parts.auditor.audit(
            caller, Action.REPORT_TAKEN, "insights report", f"{format.value}, {stretch}"
        )
        name = f"report-{made.begins_at:%Y%m%d}-{made.ends_at:%Y%m%d}.{format.value}"
        return Response(
            _as_csv(made) if format is Format.CSV else _AS_JSON.dump_json(made),
            media_type="text/csv; charset=utf-8"
            if format is Format.CSV
            else "application/json; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
            },
        )

    return router


async def _report(parts: ApiParts, since: str | None, until: str | None) -> InsightsReport:
    asked = Asked(
        services=parts.library.services,
        usage=parts.library.usage,
        cameras=parts.library.cameras,
        connected=parts.connected(),
        now=parts.now(),
        zone=parts.zone,
    )
    begin, end = _between(parts, since, until)
    return await insights_report(asked, begin=begin, end=end)


def _as_csv(report: InsightsReport) -> str:
    return BYTE_ORDER_MARK + csv_lines([COLUMNS, *lines_of(report)])


def _between(parts: ApiParts, since: str | None, until: str | None) -> tuple[datetime, datetime]:
    """Raises QuestionInvalid."""
    end = moment("to", until, parts.zone, ends=True) or parts.now() + timedelta(seconds=1)
    return moment("from", since, parts.zone) or end - DEFAULT_SPAN, end


def _stretch(parts: ApiParts, since: str | None, until: str | None) -> tuple[datetime, datetime]:
    """Raises QuestionInvalid."""
    begin, end = _between(parts, since, until)
    if not timedelta() < end - begin <= LONGEST:
        raise QuestionInvalid(
            f"from {begin.isoformat()} to {end.isoformat()}: expected a stretch of at most "
            f"{LONGEST.days} days"
        )
    return begin, end
