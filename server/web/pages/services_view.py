"""What to know, and how each service fared, as cards that several pages show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from server.analytics.insights import GOOD_SCORE, POOR_SCORE, SERVICE_NAMES
from server.web.analysing import InsightReport, ServiceReport
from server.web.pages import wording
from server.web.pages.shell import empty
from server.web.pages.tags import tag

LEVELS: Final = {"critical": "bad", "warning": "warn", "note": None}


def insights_card(told: Sequence[InsightReport], *, soft: str) -> None:
    """`soft` says of which time."""
    with tag("section", "card", aria_label="To know"):
        with tag("header"):
            tag("h2", text="To know")
            tag("span", "soft small", soft)
        if not told:
            tag("p", "empty", "Nothing stands out.")
        for insight in told:
            with tag("div", data_insight=insight.severity).style("padding: 6px 0"):
                tag("span", "tag", insight.severity, data_level=LEVELS[insight.severity])
                tag("span", "break", f" {insight.text}")
                tag("p", "soft small break", insight.advice)


def services_table(services: Sequence[ServiceReport], *, soft: str) -> None:
    """Likewise."""
    if not services:
        empty("Nothing was kept yet", "What services do is written down once a minute.")
        return
    with tag("section", "card flush", aria_label="Services"):
        with tag("header"):
            tag("h2", text="Services")
            tag("span", "soft small", soft)
        with tag("table", "stacks"):
            with tag("thead"), tag("tr"):
                for name in ("Service", "Score", "Requests", "Errors", "Response, 95%"):
                    tag("th", "" if name == "Service" else "number", name)
            with tag("tbody"):
                for service in services:
                    _service(service)


def _service(service: ServiceReport) -> None:
    slow, score = service.response_time_95th, service.score
    errors = service.error_rate
    with tag("tr", data_service=service.service):
        with tag("td", "first"):
            tag("span", text=SERVICE_NAMES.get(service.service, service.service))
            parts = ", ".join(f"{name} {part:.2f}" for name, part in service.score_parts.items())
            tag("small", text=parts)
        with tag("td", "number", data_name="Score"):
            tag("span", "tag", wording.number(score), data_level=score_level(score))
        tag("td", "number", wording.number(service.requests), data_name="Requests")
        share = wording.NOTHING if errors is None else f"{errors:.2%}"
        tag("td", "number", share, data_name="Errors")
        said = wording.NOTHING if slow is None else f"{1000 * slow:,.0f} ms"
        tag("td", "number", said, data_name="Response, 95%")


def score_level(score: float | None) -> str | None:
    """As the insights do."""
    if score is None or score >= GOOD_SCORE:
        return None
    return "warn" if score >= POOR_SCORE else "bad"
