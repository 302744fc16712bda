"""How well the server works: live figures, what somebody should know, each service's last day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from nicegui import ui

from server.accounts.permissions import Permission
from server.analytics.performance import in_steps
from server.analytics.work import Work
from server.web.analysing import kept_work, performance_report
from server.web.pages import charts, wording
from server.web.pages.centre import Centre
from server.web.pages.services_view import insights_card, services_table
from server.web.pages.shell import Visit, page, title
from server.web.pages.tags import link, tag, tile
from server.web.shortage import resources_of

REFRESHED_S: Final = 5.0
DAY: Final = timedelta(days=1)
TILES: Final = ("rows a second", "response, 95%", "succeed", "plates a minute")
"""Of the last minute."""


def add_performance(centre: Centre) -> None:
    @page(centre, "/performance", title="Performance", permission=Permission.SEE_SERVER)
    async def shown(_visit: Visit) -> None:
        now = centre.now()
        begin = now - DAY
        kept = await kept_work(centre.library.services, centre.library.usage, begin=begin, end=now)
        report = await performance_report(
            kept,
            centre.library.cameras,
            now=now,
            connected=centre.connected(),
            zone=centre.zone,
        )
        with title("Performance"), tag("div", "end"):
            link("Report of any time", "/report", "button")
            link("Errors", "/errors", "button")
        _Live(centre)
        await _Resources(centre).show()
        insights_card(report.insights, soft="the last 24 hours")
        services_table(report.services, soft="the last 24 hours")
        _charts(centre, kept.minutes, begin, now)


class _Live:
    """Tiles of the last minute, and a line for each service; drawn anew every few seconds."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._tiles: dict[str, ui.label] = {}
        with tag("section", "stack", aria_label="The last minute"), tag("div", "tiles"):
            for name in TILES:
                with tag("div", "tile"):
                    value = tag("b", text=wording.NOTHING)
                    assert isinstance(value, ui.label)  # noqa: S101 - it has a text
                    self._tiles[name] = value
                    tag("span", text=name)
        self._update()
        ui.timer(REFRESHED_S, self._update)

    def _update(self) -> None:
        said = self._centre.live()
        if said is None:
            return
        for name, text in live_texts(said["metrics"]).items():
            self._tiles[name].text = text


class _Resources:
    """What of the machine and the database is short; looked at anew every few seconds."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._place = tag("section", "stack", aria_label="Resources")
        ui.timer(REFRESHED_S, self.show, immediate=False)

    async def show(self) -> None:
        found = resources_of(await self._centre.details())
        short = [each for each in found if each.level]
        self._place.clear()
        with self._place:
            with tag("div", "tiles five"):
                for each in found:
                    tile(each.value, each.name, each.level or None)
            for each in short:
                advice = f"{each.advice[:1].upper()}{each.advice[1:]}"
                text = f"Short now: {each.value} {each.name}. {advice}"
                tag("p", "notice", text, data_level=each.level, role="status")
            if not short:
                tag("p", "soft small", "No resource of the server is short now.")


def live_texts(metrics: Mapping[str, Any]) -> dict[str, str]:
    """What the tiles say of a realtime message's `metrics`."""
    overall, plates = metrics["overall"], metrics["plate_recognition"]
    rows = metrics.get("ingest", {}).get("request_rate")
    slow, succeed = overall["response_time_95th"], overall["success_rate"]
    return {
        "rows a second": wording.number(rows, 1),
        "response, 95%": wording.NOTHING if slow is None else f"{1000 * slow:,.0f} ms",
        "succeed": wording.NOTHING if succeed is None else f"{succeed:.1f}%",
        "plates a minute": wording.number(plates.get("plates_detected_per_min"), 1),
    }


def _charts(
    centre: Centre, minutes: Mapping[str, Sequence[Work]], begin: datetime, end: datetime
) -> None:
    steps = in_steps(minutes.get("ingest", ()))
    if not steps:
        return
    with tag("section", "card", aria_label="Rows from cameras"):
        with tag("header"):
            tag("h2", text="Rows from cameras")
            tag("span", "soft small", "the last 24 hours")
        with tag("div", "charts"):
            for name, colour, points in (
                ("Rows a second", "accent", _points(steps, [step.rate for step in steps])),
                (
                    "Milliseconds to disk, 95%",
                    "good",
                    _points(steps, [_ms(step.quantile_s(0.95)) for step in steps]),
                ),
                ("Errors, %", "bad", _points(steps, [_percent(step) for step in steps])),
            ):
                with tag("figure"):
                    tag("figcaption", "soft small", name)
                    charts.chart(
                        [charts.line(name, points, colour, centre.zone)],
                        xAxis=charts.over_time(begin, end, centre.zone),
                    ).classes("low")


def _points(steps: Sequence[Work], values: Sequence[float | None]) -> list[tuple[datetime, float]]:
    """Of those steps of which the figure is known."""
    pairs = zip(steps, values, strict=True)
    return [(step.at, round(value, 3)) for step, value in pairs if value is not None]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


def _percent(step: Work) -> float | None:
    return None if step.error_rate is None else 100 * step.error_rate
