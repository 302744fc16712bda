"""The insights report of any stretch of time: what to know and do, how services fared, how all of
it was used. The same content as an object and as lines for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

from server.errors import QuestionInvalid
from server.storage.reading.cameras import Cameras
from server.storage.reading.services import ServiceHistory
from server.storage.reading.usage import UsageCounts
from server.web.analysing import (
    InsightReport,
    ServiceReport,
    kept_work,
    performance_report,
)
from server.web.usage import UsageReport, usage_report

LONGEST: Final = timedelta(days=92)
"""What services did is kept so long."""
COLUMNS: Final = ("section", "subject", "figure", "value", "advice")

Line = tuple[str, str, str, Any, str]
"""A value in its place, in the order of COLUMNS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightsReport:
    """Of the time from `begins_at` to `ends_at`; the gravest insights come first."""

    made_at: datetime
    begins_at: datetime
    ends_at: datetime
    insights: tuple[InsightReport, ...]
    services: tuple[ServiceReport, ...]
    usage: UsageReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is made of. `connected` are the cameras with a line open now."""

    services: ServiceHistory
    usage: UsageCounts
    cameras: Cameras
    connected: frozenset[str]
    now: datetime
    zone: tzinfo


async def insights_report(asked: Asked, *, begin: datetime, end: datetime) -> InsightsReport:
    """Raises QuestionInvalid, StorageUnavailable, and TookTooLong."""
    if not timedelta() < end - begin <= LONGEST:
        raise QuestionInvalid(
            f"from {begin.isoformat()} to {end.isoformat()}: expected a stretch of at most "
            f"{LONGEST.days} days"
        )
    kept = await kept_work(asked.services, asked.usage, begin=begin, end=end)
    fared = await performance_report(
        kept, asked.cameras, now=asked.now, connected=asked.connected, zone=asked.zone
    )
    used = await usage_report(asked.usage, kept.minutes, begin=begin, end=end, zone=asked.zone)
    return InsightsReport(
        made_at=asked.now,
        begins_at=begin,
        ends_at=end,
        insights=fared.insights,
        services=fared.services,
        usage=used,
    )


def lines_of(report: InsightsReport) -> Iterator[Line]:
    """Everything that the report says, a value a line."""
    for name in ("made_at", "begins_at", "ends_at"):
        yield "report", "", name, getattr(report, name).isoformat(), ""
    for insight in report.insights:
        yield "insight", insight.subject, insight.severity, insight.text, insight.advice
    for service in report.services:
        for figure, value in _leaves(service, without=("service",)):
            yield "service", service.service, figure, value, ""
    for figure, value in _leaves(report.usage, without=("begins_at", "ends_at")):
        yield "usage", "", figure, value, ""


def _leaves(
    value: Any, path: str = "", *, without: Sequence[str] = ()
) -> Iterator[tuple[str, Any]]:
    """Values with their place, such as `by_day.2026-03-01`; an empty list has none."""
    if is_dataclass(value):
        named = [(each.name, getattr(value, each.name)) for each in fields(value)]
    elif isinstance(value, Mapping):
        named = [(_text(key), each) for key, each in value.items()]
    elif isinstance(value, list | tuple):
        named = [(str(number), each) for number, each in enumerate(value)]
    else:
        yield path, _text(value) if isinstance(value, date) else value
        return
    for name, each in named:
        if name not in without:
            yield from _leaves(each, f"{path}.{name}" if path else name)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
