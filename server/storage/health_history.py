"""A camera's health over time, thinned out by the database: changes of state, and steps of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from server.storage.asking import Dialect, Reader
from server.storage.evidence import LARGEST
from server.storage.reading.cameras import HealthHistory, HealthPoint, HealthSeries, HealthStretch
from server.storage.times import moment_of, steps_of, text_of

MOST_COMPONENTS: Final = 40
"""Of one camera: what it calls them is its own matter, how many must not be."""
MOST_STRETCHES: Final = 500
SETTINGS: Final = "settings"
"""A check that tells the settings, no health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number in `system_info`, read from the checks of `component` where there are any."""

    key: str
    component: str
    title: str
    unit: str
    limits: tuple[float, float] | None = None


MEASURES: Final = (
    Measure(key="cpu_usage", component="cpu", title="Processor", unit="%", limits=(0.0, 100.0)),
    Measure(key="memory_usage", component="memory", title="Memory", unit="%", limits=(0.0, 100.0)),
    Measure(key="agent_memory_mb", component="memory", title="Agent's memory", unit="MB"),
    Measure(key="temperature_c", component="temperature", title="Temperature", unit="°C"),
    Measure(key="disk_free_mb", component="disk", title="Disk free", unit="MB"),
    Measure(key="rows_waiting", component="link", title="Rows waiting", unit="rows"),
    Measure(key="clock_offset_s", component="clock", title="Clock offset", unit="s"),
)

_BY_COMPONENT: Final = "health_monitors_device"
_COMPONENTS: Final = (
    "WITH RECURSIVE parts (component, number) AS ("
    "SELECT min(component), 1 FROM health_monitors WHERE device_id = :device "
    "UNION ALL SELECT (SELECT min(component) FROM health_monitors WHERE device_id = :device "
    "AND component > parts.component), number + 1 FROM parts "
    "WHERE component IS NOT NULL AND number < :most) "
    "SELECT component FROM parts WHERE component IS NOT NULL"
)


def _changes(dialect: Dialect) -> str:
    return (
        "SELECT h.status, h.message, c.captured_at FROM ("  # noqa: S608 (our own names)
        "SELECT id, captured_at, status, lag(status) OVER (ORDER BY captured_at, id) AS before "
        f"FROM health_monitors{dialect.by_index(_BY_COMPONENT)} WHERE device_id = :device "
        "AND component = :component AND captured_at >= :since AND captured_at < :until) AS c "
        f"{dialect.in_order} health_monitors AS h ON h.id = c.id "
        "WHERE c.before IS DISTINCT FROM c.status "
        "ORDER BY c.captured_at DESC, c.id DESC LIMIT :most"
    )


def _steps(dialect: Dialect) -> str:
    return (
        "SELECT step, avg(value), min(value), max(value) FROM ("  # noqa: S608 (our own names)
        f"SELECT ({dialect.unix_s('captured_at')} - :begin) / :step_s AS step, "
        f"{dialect.said_number(':key')} AS value "
        f"FROM health_monitors{dialect.by_index(_BY_COMPONENT)} WHERE device_id = :device "
        "AND component = :component AND captured_at >= :since AND captured_at < :until) AS said "
        "WHERE abs(value) <= :largest GROUP BY step ORDER BY step"
    )


def components_of(reader: Reader, device_id: str) -> list[str]:
    """By name, as far as MOST_COMPONENTS."""
    values = {"device": device_id, "most": MOST_COMPONENTS}
    return [str(name) for (name,) in reader.rows(_COMPONENTS, values)]


def history_of(
    reader: Reader, device_id: str, *, since: datetime, until: datetime, points: int
) -> HealthHistory:
    """From what the camera's health rows say; empty where there are none."""
    components = [name for name in components_of(reader, device_id) if name != SETTINGS]
    values = {"device": device_id, "since": text_of(since), "until": text_of(until)}
    stretches = [each for name in components for each in _stretches(reader, name, values)]
    found = [_series(reader, each, components, values, since, until, points) for each in MEASURES]
    return HealthHistory(
        since=since.astimezone(UTC),
        until=until.astimezone(UTC),
        stretches=tuple(stretches),
        series=tuple(each for each in found if each is not None),
    )


def _stretches(reader: Reader, component: str, values: dict[str, Any]) -> list[HealthStretch]:
    """The newest, in order of time."""
    asked = values | {"component": component, "most": MOST_STRETCHES}
    rows = reader.rows(_changes(reader.dialect), asked)[::-1]
    ends = [moment_of(at) for *_, at in rows[1:]] + [None]
    return [
        HealthStretch(
            component=component,
            status=str(status),
            message=str(message or ""),
            since=begin,
            until=end,
        )
        for (status, message, at), end in zip(rows, ends, strict=True)
        if (begin := moment_of(at)) is not None
    ]


def _series(
    reader: Reader,
    measure: Measure,
    components: Sequence[str],
    values: dict[str, Any],
    since: datetime,
    until: datetime,
    points: int,
) -> HealthSeries | None:
    """None where nothing says it."""
    if not components:
        return None
    component = measure.component if measure.component in components else components[0]
    steps = steps_of(since, until, most=points)
    asked = values | {
        "component": component,
        "begin": steps.begin_s,
        "step_s": steps.length_s,
        "key": measure.key,
        "largest": LARGEST,
    }
    rows = reader.rows(_steps(reader.dialect), asked)
    if not rows:
        return None
    return HealthSeries(
        key=measure.key,
        title=measure.title,
        component=component,
        unit=measure.unit,
        limits=measure.limits,
        points=tuple(
            HealthPoint(
                at=steps.at(step),
                average=round(average, 3),
                lowest=lowest,
                highest=highest,
            )
            for step, average, lowest, highest in rows
        ),
    )
