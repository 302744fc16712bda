"""A camera's health over time: its components' states as bars, its measures as charts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from server.storage.reading.cameras import HealthHistory, HealthSeries, HealthStretch
from server.web.pages import charts, states, wording
from server.web.pages.centre import Centre
from server.web.pages.tags import tag

_LONGEST_DAYS: Final = 31
_SHORTEST: Final = timedelta(minutes=10)


async def history_view(centre: Centre, device_id: str, days: int) -> None:
    until = centre.now()
    since = until - timedelta(days=max(1, min(days, _LONGEST_DAYS)))
    history = from_its_beginning(await centre.cameras.health(device_id, since=since, until=until))
    if history.stretches:
        _states(centre, history)
    shown = [series for series in history.series if len(series.points) > 1]
    if not history.stretches and not shown:
        tag("p", "card empty", "Nothing was reported in this time.")
    if shown:
        with tag("section", "charts", aria_label="Measures"):
            for series in shown:
                _measure(centre, history, series)


def from_its_beginning(history: HealthHistory) -> HealthHistory:
    """Without the time before anything was known, but at least ten minutes."""
    begins = [stretch.since for stretch in history.stretches]
    begins += [series.points[0].at for series in history.series if series.points]
    first = min(begins, default=history.since)
    return replace(history, since=max(history.since, min(first, history.until - _SHORTEST)))


def _states(centre: Centre, history: HealthHistory) -> None:
    """Texts under a pointer are titles, so that they are text whatever a camera wrote."""
    by_component: dict[str, list[HealthStretch]] = {}
    for stretch in history.stretches:
        by_component.setdefault(stretch.component, []).append(stretch)
    with tag("section", "card", aria_label="States"):
        for component, stretches in sorted(by_component.items()):
            with tag("div", "stretches"):
                tag("span", "name", component)
                with tag("span", "strip"):
                    for stretch in stretches:
                        _stretch(centre, history, stretch)
        with tag("div", "stretches axis soft small number"):
            tag("span")
            with tag("span", "ends"):
                tag("span", text=wording.moment(history.since, centre.zone)[:-3])
                tag("span", text="now")


def _stretch(centre: Centre, history: HealthHistory, stretch: HealthStretch) -> None:
    whole_s = (history.until - history.since).total_seconds()
    since, until = max(stretch.since, history.since), stretch.until or history.until
    left = 100 * (since - history.since).total_seconds() / whole_s
    width = max(0.3, 100 * _seconds(since, min(until, history.until)) / whole_s)
    when = wording.moment(stretch.since, centre.zone)
    bar = tag(
        "i",
        title=f"{stretch.status} since {when}: {stretch.message}",
        data_level=states.STATUS_LEVELS.get(stretch.status, "warn"),
    )
    bar.style(f"left: {left:.2f}%; width: {width:.2f}%")


def _measure(centre: Centre, history: HealthHistory, series: HealthSeries) -> None:
    latest = series.points[-1].average
    unit = f" {series.unit}" if series.unit else ""
    with tag("figure", "card"):
        with tag("header"):
            tag("h3", text=series.title)
            tag("span", "number", f"{latest:,.1f}{unit}")
        points = [(point.at, round(point.average, 2)) for point in series.points]
        highest = [(point.at, round(point.highest, 2)) for point in series.points]
        charts.chart(
            [
                charts.line("highest", highest, "line", centre.zone),
                charts.line(series.title, points, "accent", centre.zone),
            ],
            xAxis=charts.over_time(history.since, history.until, centre.zone),
            yAxis=charts.value_axis(series.limits),
        ).classes("low")


def _seconds(since: datetime, until: datetime) -> float:
    return max(0.0, (until - since).total_seconds())
