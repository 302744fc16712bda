"""Charts in the pages' own colours, light and dark alike. Texts in them are escaped by ECharts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from nicegui import ui

_FONT: Final = {"color": "var(--soft)", "fontSize": 12, "fontFamily": "system-ui, sans-serif"}
_TIMES: Final = {
    **dict.fromkeys(("hour", "minute", "second"), "{HH}:{mm}"),
    **dict.fromkeys(("year", "month", "day"), "{d} {MMM}"),
}
_TOOLTIP: Final = {
    "trigger": "axis",
    "confine": True,
    "backgroundColor": "var(--surface)",
    "borderColor": "var(--line)",
    "textStyle": {"color": "var(--text)", "fontSize": 13},
    "axisPointer": {"type": "line", "lineStyle": {"color": "var(--soft)"}},
}

MOST_NAMES: Final = 8
"""Below an axis: they have room on a phone."""
MOST_MARKS: Final = 7
_MINUTE_MS: Final = 60_000
STEPS_MS: Final = tuple(
    _MINUTE_MS * minutes
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200)
)

_FEW: Final = 20
"""So many points of a line are marked, or one alone would not be seen."""

_TIME_AXIS: Final[Mapping[str, Any]] = {
    "type": "time",
    "axisLine": {"lineStyle": {"color": "var(--line)"}},
    "axisTick": {"show": False},
    "axisLabel": {**_FONT, "hideOverlap": True, "formatter": _TIMES},
    "splitLine": {"show": False},
}


def chart(series: Sequence[Mapping[str, Any]], **options: Any) -> ui.echart:
    """Over time; drawn as SVG, where the colours of the theme hold also after it changes."""
    whole = {
        "animation": False,
        "useUTC": True,  # the points are shifted to the time zone shown everywhere
        "grid": {"left": 8, "right": 12, "top": 16, "bottom": 4, "containLabel": True},
        "tooltip": _TOOLTIP,
        "xAxis": _TIME_AXIS,
        "yAxis": value_axis(),
        "series": [dict(one) for one in series],
        **options,
    }
    return ui.echart(whole, renderer="svg").classes("chart")


def value_axis(limits: tuple[float, float] | None = None, *, whole: bool = False) -> dict[str, Any]:
    """`whole`: of numbers without fractions."""
    return {
        "type": "value",
        "min": None if limits is None else limits[0],
        "max": None if limits is None else limits[1],
        "minInterval": 1 if whole else None,
        "splitNumber": 3,
        "interval": None if limits is None else (limits[1] - limits[0]) / 2,
        "axisLabel": _FONT,
        "splitLine": {"lineStyle": {"color": "var(--line)"}},
    }


def over_time(since: datetime, until: datetime, zone: tzinfo) -> dict[str, Any]:
    """An axis with these ends, and marks as far from each other as hours and days allow."""
    begin, end = milliseconds(since, zone), milliseconds(until, zone)
    label = {**_TIME_AXIS["axisLabel"], "customValues": marks(begin, end)}
    if end - begin > 2 * STEPS_MS[-3]:
        label["formatter"] = "{d} {MMM}"
    return {**_TIME_AXIS, "min": begin, "max": end, "axisLabel": label}


def marks(begin_ms: float, end_ms: float) -> list[float]:
    """Round times between them, at most MOST_MARKS, each as far from the next."""
    span = end_ms - begin_ms
    step = next((each for each in STEPS_MS if span / each < MOST_MARKS), STEPS_MS[-1])
    first = -(-begin_ms // step) * step
    return [first + n * step for n in range(int((end_ms - first) // step) + 1)]


def line(
    name: str, points: Sequence[tuple[datetime, float]], colour: str, zone: tzinfo
) -> dict[str, Any]:
    """`colour` is the name of one of the theme's."""
    return {
        "type": "line",
        "name": name,
        "showSymbol": len(points) <= _FEW,
        "lineStyle": {"width": 1.5},
        "color": f"var(--{colour})",
        "emphasis": {"disabled": True},
        "data": [[milliseconds(at, zone), value] for at, value in points],
    }


def bars(
    name: str, points: Sequence[tuple[datetime, float]], colour: str, zone: tzinfo
) -> dict[str, Any]:
    return _bars(name, colour, [[milliseconds(at, zone), value] for at, value in points])


def milliseconds(at: datetime, zone: tzinfo) -> float:
    """Of a clock on the wall of that zone, since 1970, as ECharts takes times."""
    return at.astimezone(zone).replace(tzinfo=UTC).timestamp() * 1000


def named_axis(names: Sequence[str]) -> dict[str, Any]:
    """Of bars that stand side by side, each with a name below."""
    return {
        "type": "category",
        "data": list(names),
        "axisLine": {"lineStyle": {"color": "var(--line)"}},
        "axisTick": {"show": False},
        "axisLabel": {**_FONT, "interval": -(-len(names) // MOST_NAMES) - 1},
    }


def counted(name: str, values: Sequence[float]) -> dict[str, Any]:
    """Bars for the names of an axis."""
    return _bars(name, "accent", list(values))


def _bars(name: str, colour: str, values: Sequence[Any]) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "color": f"var(--{colour})",
        "emphasis": {"disabled": True},
        "itemStyle": {"borderRadius": [2, 2, 0, 0]},
        "barMaxWidth": 24,
        "data": values,
    }
