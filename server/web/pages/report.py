"""The insights report of any stretch of time: what to know, how services fared, how it was used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from server.accounts.permissions import Permission
from server.analytics.insights import SERVICE_NAMES
from server.web.analysing import ServiceReport
from server.web.api.moments import moment
from server.web.pages import charts, wording
from server.web.pages.centre import Centre
from server.web.pages.services_view import insights_card, services_table
from server.web.pages.shell import Visit, page, title
from server.web.pages.tags import field, link, tag, tile
from server.web.reporting import Asked, InsightsReport, insights_report
from server.web.usage import UsageReport

DEFAULT_DAYS: Final = 7
FORMATS: Final = (("CSV", "csv"), ("JSON", "json"))
MOST_CAMERAS: Final = 20
_FIGURES: Final[Mapping[str, tuple[str, Callable[[float], str]]]] = {
    "response": ("Response, 95%", lambda value: f"{1000 * value:,.0f} ms"),
    "errors": ("Errors", lambda value: f"{value:.2%}"),
    "rate": ("Requests a second", lambda value: f"{value:,.2f}"),
}


def add_report(centre: Centre) -> None:
    @page(centre, "/report", title="Report", permission=Permission.SEE_SERVER)
    async def shown(visit: Visit) -> None:
        begin, end = _stretch(centre, visit)
        asked = Asked(
            services=centre.library.services,
            usage=centre.library.usage,
            cameras=centre.library.cameras,
            connected=centre.connected(),
            now=centre.now(),
            zone=centre.zone,
        )
        report = await insights_report(asked, begin=begin, end=end)
        soft = f"{_day(begin, centre)} to {_day(end - timedelta(seconds=1), centre)}"
        with title("Report", soft=soft), tag("div", "end"):
            for name, kind in FORMATS:
                link(name, _file(begin, end, kind), "button", download=True)
        _form(centre, begin, end)
        insights_card(report.insights, soft=soft)
        services_table(report.services, soft=soft)
        _changes(centre, report)
        _usage(report.usage)


def _stretch(centre: Centre, visit: Visit) -> tuple[datetime, datetime]:
    """What the address asks for, by default the last days up to now. Raises QuestionInvalid."""
    now = centre.now() + timedelta(seconds=1)
    end = moment("to", visit.asked("to"), centre.zone, ends=True) or now
    begin = moment("from", visit.asked("from"), centre.zone)
    return begin or end - timedelta(days=DEFAULT_DAYS), end


def _file(begin: datetime, end: datetime, kind: str) -> str:
    asked = urlencode({"from": begin.isoformat(), "to": end.isoformat(), "format": kind})
    return f"/api/v1/analytics/report/export?{asked}"


def _day(at: datetime, centre: Centre) -> str:
    return f"{at.astimezone(centre.zone):%Y-%m-%d}"


def _form(centre: Centre, begin: datetime, end: datetime) -> None:
    with tag("form", "card filter three", method="get", action="/report", role="search"):
        field("From", "from", value=_day(begin, centre), type="date")
        last = _day(end - timedelta(seconds=1), centre)
        field("To, with that day", "to", value=last, type="date")
        with tag("div", "filter-end"):
            tag("button", "main", "Show", type="submit")


def _changes(centre: Centre, report: InsightsReport) -> None:
    """Trends, and when a figure stood out."""
    lines = [line for service in report.services for line in _change_lines(centre, service)]
    with tag("section", "card flush", aria_label="Changes"):
        with tag("header"):
            tag("h2", text="Trends and episodes")
        if not lines:
            tag("p", "empty", "Nothing rose, fell or stood out.")
            return
        _table(("Service", "Figure", "What", "When"), lines)


def _change_lines(centre: Centre, service: ServiceReport) -> list[tuple[str, ...]]:
    name = SERVICE_NAMES.get(service.service, service.service)
    lines: list[tuple[str, ...]] = []
    for key, trend in service.trends.items():
        if trend.direction == "unclear":
            continue
        figure, said = _FIGURES[key]
        change = f"{trend.direction} by {said(abs(trend.slope_per_hour))} an hour"
        lines.append((name, figure, change, "all the time"))
    for episode in service.episodes:
        figure, said = _FIGURES[episode.figure]
        what = f"{said(episode.worst)}, usually {said(episode.usual)}"
        begin = wording.moment(episode.begins_at, centre.zone)
        lines.append(
            (name, figure, what, f"{begin} to {wording.clock(episode.ends_at, centre.zone)}")
        )
    return lines


def _usage(usage: UsageReport) -> None:
    tag("h2", text="Usage")
    growth, people = usage.sightings_growth, usage.people
    with tag("div", "tiles"):
        tile(wording.number(usage.sightings), "sightings")
        tile(wording.NOTHING if growth is None else f"{growth:+.0%}", "against the time before")
        tile(wording.number(usage.plates.unique), "different plates")
        tile(wording.number(usage.plates.returning), "on more than one day")
        tile(wording.number(people.active), "people at work")
        tile(wording.share(people.retention), "of those before came again")
    with tag("div", "split"):
        with tag("section", "card", aria_label="By hour of the day"):
            with tag("header"):
                tag("h2", text="By hour of the day")
                busiest = ", ".join(f"{hour:02}" for hour in usage.busiest_hours)
                tag("span", "soft small", f"busiest: {busiest}" if busiest else "")
            names = [f"{hour:02}" for hour in range(len(usage.by_hour))]
            charts.chart(
                [charts.counted("sightings", usage.by_hour)], xAxis=charts.named_axis(names)
            ).classes("low")
        with tag("section", "card", aria_label="By day"):
            with tag("header"):
                tag("h2", text="By day")
            charts.chart(
                [charts.counted("sightings", list(usage.by_day.values()))],
                xAxis=charts.named_axis([f"{day:%m-%d}" for day in usage.by_day]),
            ).classes("low")
    with tag("div", "split"):
        _counts("Cameras", "Sightings", _most(usage.by_camera))
        requests = {
            SERVICE_NAMES.get(name, name): each.total for name, each in usage.requests.items()
        }
        _counts("Services", "Requests", requests)
        shares = {name: wording.share(value) for name, value in people.adoption.items()}
        _counts("What people did", "Share of them", shares)


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    """The first so many; the rest is in the file."""
    return dict(list(counts.items())[:MOST_CAMERAS])


def _counts(heading: str, unit: str, values: Mapping[str, int | str]) -> None:
    with tag("section", "card flush", aria_label=heading):
        with tag("header"):
            tag("h2", text=heading)
        if not values:
            tag("p", "empty", "None.")
            return
        texts = [
            (name, value if isinstance(value, str) else wording.number(value))
            for name, value in values.items()
        ]
        _table((heading, unit), texts)


def _table(names: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    with tag("table", "stacks"):
        with tag("thead"), tag("tr"):
            for name in names:
                tag("th", "", name)
        with tag("tbody"):
            for line in lines:
                with tag("tr"):
                    for number, (name, text) in enumerate(zip(names, line, strict=True)):
                        tag("td", "" if number else "first break", text, data_name=name)
