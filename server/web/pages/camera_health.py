"""A camera's health over time: its components' states as bars, its measures as charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from server.storage.reading.cameras import HealthHistory, HealthSeries, HealthStretch
from server.web.pages import charts, states, wording
from server.web.pages.centre import Centre
from server.web.pages.tags import tag

_LONGEST_DAYS: Final = 31
_SHORTEST: Final = timedelta(minutes=10)
_MOST_BARS: Final = 600
"""On one page, of all components: each costs the server a quarter of a millisecond and 5 KB."""
_FEWEST_BARS: Final = 10
_RANK: Final = {"good": 0, "warn": 1, "bad": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One or several states that follow each other, drawn as the worst of them. `left` and `width`
    are in percent of the time shown."""

    left: float
    width: float
    worst: HealthStretch
    first: HealthStretch
    states: int


async def history_view(centre: Centre, device_id: str, days: int) -> None:
    until = centre.now()
    since = until - timedelta(days=max(1, min(days, _LONGEST_DAYS)))
    history = from_its_beginning(
        await centre.library.cameras.health(device_id, since=since, until=until)
    )
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


def bars_of(
    stretches: Sequence[HealthStretch], history: HealthHistory, most: int
) -> tuple[Bar, ...]:
    """Of one component, in order of time: what changes too often to be seen is drawn as one."""
    whole = history.until - history.since
    groups: list[list[HealthStretch]] = []
    for stretch in stretches:
        begin = max(stretch.since, history.since)
        if groups and begin - max(groups[-1][0].since, history.since) < whole / most:
            groups[-1].append(stretch)
        else:
            groups.append([stretch])
    return tuple(_bar(group, history, whole) for group in groups)


def _bar(group: Sequence[HealthStretch], history: HealthHistory, whole: timedelta) -> Bar:
    since = max(group[0].since, history.since)
    until = min(group[-1].until or history.until, history.until)
    return Bar(
        left=100 * ((since - history.since) / whole),
        width=max(0.3, 100 * (max(timedelta(), until - since) / whole)),
        worst=max(group, key=lambda each: _RANK[_level(each)]),
        first=group[0],
        states=len(group),
    )


def _level(stretch: HealthStretch) -> str:
    return states.STATUS_LEVELS.get(stretch.status, "warn")


def _states(centre: Centre, history: HealthHistory) -> None:
    """Texts under a pointer are titles, so that they are text whatever a camera wrote."""
    by_component: dict[str, list[HealthStretch]] = {}
    for stretch in history.stretches:
        by_component.setdefault(stretch.component, []).append(stretch)
    most = max(_FEWEST_BARS, _MOST_BARS // len(by_component))
    with tag("section", "card", aria_label="States"):
        for component, stretches in sorted(by_component.items()):
            with tag("div", "stretches"):
                tag("span", "name", component)
                with tag("span", "strip"):
                    for bar in bars_of(stretches, history, most):
                        _show(centre, bar)
        with tag("div", "stretches axis soft small number"):
            tag("span")
            with tag("span", "ends"):
                tag("span", text=wording.moment(history.since, centre.zone)[:-3])
                tag("span", text="now")


def _show(centre: Centre, bar: Bar) -> None:
    worst = bar.worst
    when = wording.moment(bar.first.since, centre.zone)
    said = f"{worst.status} since {when}: {worst.message}"
    if bar.states > 1:
        said = f"{bar.states} states since {when}, at worst {worst.status}: {worst.message}"
    shown = tag("i", title=said, data_level=_level(worst))
    shown.style(f"left: {bar.left:.2f}%; width: {bar.width:.2f}%")


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
