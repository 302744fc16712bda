"""What went wrong in the server: counts by code, and the latest reports with their traceback."""

from __future__ import annotations

from typing import Final

from server.accounts.permissions import Permission
from server.errors import QuestionInvalid
from server.web.pages import wording
from server.web.pages.centre import Centre
from server.web.pages.shell import Visit, page, title
from server.web.pages.tags import choice, field, tag, tile
from telemetry.error_book import CodeCount, ErrorSummary
from telemetry.error_report import ErrorReport, Severity

SHOWN: Final = 100
LEVELS: Final = {
    Severity.LOW: None,
    Severity.MEDIUM: "warn",
    Severity.HIGH: "bad",
    Severity.CRITICAL: "bad",
}


def add_errors(centre: Centre) -> None:
    @page(centre, "/errors", title="Errors", permission=Permission.SEE_SERVER)
    async def shown(visit: Visit) -> None:
        code, severity = visit.asked("code").strip(), visit.asked("severity")
        found = centre.errors.summary(limit=SHOWN, code=code or None, severity=_severity(severity))
        title("Errors", soft=f"since {wording.moment(found.since, centre.zone)}")
        critical = sum(each.count for each in found.by_code if each.severity is Severity.CRITICAL)
        with tag("div", "tiles"):
            tile(wording.number(found.last_hour), "in the last hour")
            tile(wording.number(found.count), "since the start")
            tile(wording.number(critical), "critical", "bad" if critical else None)
        for name, reason in centre.troubles.of_each().items():
            if reason is not None:
                text = f"{name} waits, and goes on by itself where it was: {reason}"
                tag("p", "notice", text, data_level="bad", data_part=name, role="status")
        _codes(centre, found)
        with tag("form", "card filter three", method="get", action="/errors", role="search"):
            field("Code", "code", value=code, type="search", placeholder="any", data_key="/")
            options = [("", "any"), *((each.value, each.value) for each in Severity)]
            choice("Severity", "severity", options, severity)
            with tag("div", "filter-end"):
                tag("button", "main", "Show", type="submit")
        with tag("section", "card", aria_label="Reports"):
            if not found.reports:
                is_filtered = bool(code or severity)
                text = "Nothing of that kind is remembered." if is_filtered else "No error so far."
                tag("p", "empty", text)
            for report in found.reports:
                _report(centre, report)


def _severity(text: str) -> Severity | None:
    try:
        return Severity(text) if text else None
    except ValueError:
        words = ", ".join(Severity)
        raise QuestionInvalid(f"severity={text}: expected one of {words}") from None


def _codes(centre: Centre, found: ErrorSummary) -> None:
    if not found.by_code:
        return
    with tag("section", "card flush", aria_label="By code"):
        with tag("header"):
            tag("h2", text="By code")
        with tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                for name in ("Code", "Severity", "Last hour", "Since the start", "Latest"):
                    tag("th", "" if name in ("Code", "Severity") else "number", name)
            with tag("tbody"):
                for each in found.by_code:
                    _code(centre, each)


def _code(centre: Centre, count: CodeCount) -> None:
    with tag("tr", data_code=count.code):
        tag("td", "first break", count.code)
        with tag("td", "second"):
            tag("span", "tag", count.severity.value, data_level=LEVELS[count.severity])
        tag("td", "number", wording.number(count.last_hour), data_name="Last hour")
        tag("td", "number", wording.number(count.count), data_name="Since the start")
        latest = wording.moment(count.latest_at, centre.zone)
        tag("td", "number soft", latest, data_name="Latest")


def _report(centre: Centre, report: ErrorReport) -> None:
    with tag("div", data_severity=report.severity.value).style("padding: 6px 0"):
        tag("span", "tag", report.severity.value, data_level=LEVELS[report.severity])
        tag("span", "soft number", f" {wording.moment(report.at, centre.zone)} ")
        tag("span", "break", report.message)
        if report.action:
            tag("p", "small break", f"Done: {report.action}")
        if report.details:
            tag("p", "soft small break", report.details)
        if report.traceback:
            with tag("details"):
                tag("summary", "quiet small", "Traceback")
                tag("pre", "small scroll", report.traceback)
