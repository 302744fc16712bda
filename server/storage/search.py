"""Finds sightings in the order of time, through indexes only. Plans are pure; `find` reads.

What cannot be looked up (a plate's end, a rare region) is looked for step by step from the newest
back, so that it can be broken off and gone on with.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from server.errors import QuestionInvalid
from server.row_id import LARGEST_ID
from server.storage.askable import check
from server.storage.asking import Dialect, Reader
from server.storage.cursors import LATEST, Position
from server.storage.dialect import SQLITE
from server.storage.plate_pattern import PlatePattern
from server.storage.reading.sightings import Matching, SightingFilter
from server.storage.times import text_of
from wire.plates import SEPARATORS

MOST_NAMES: Final = 100
FIRST_STEP: Final = timedelta(hours=1)
QUICK_S: Final = 0.005
SLOW_S: Final = 0.03
"""A step that was quick is followed by one four times as long, a slow one by one half as long: the
clock is looked at every few hundredths of a second, however dense the sightings are."""
SELECTIVE_PREFIX: Final = 3
"""Characters of a plate's beginning that leave few enough to be sorted by time."""

_CAPTURED_AT: Final = "lpr_detections_captured_at"
_PLATE: Final = "lpr_detections_plate"
_DEVICE: Final = "lpr_detections_device"
_CORRECTED: Final = "lpr_detections_corrected"
_LOOKED_UP: Final = (_PLATE, _CORRECTED)
"""Lead to few sightings, however many there are in all."""
_SHOWN: Final = "coalesce(corrected_plate, license_plate)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a filter is looked for: by which index, on which conditions, in steps or at once.

    `place` says in SQL that the table is to be read by the index, where that can be said.

    `since` and `until` bound the time of capture; not `is_timed`: neither was asked for.
    """

    index: str
    place: str
    conditions: tuple[str, ...]
    values: dict[str, Any] = field(default_factory=dict)
    is_stepped: bool = False
    since: str = ""
    until: str = LATEST
    is_timed: bool = False

    def at_or_after(self, columns: str) -> str:
        """SQL for those from `:lower` to just before (`:at`, `:id`), the newest first."""
        where = " AND ".join(
            (
                "captured_at >= :lower AND captured_at <= :at",
                "(captured_at < :at OR id < :id)",
                *self.conditions,
            )
        )
        return f"SELECT {columns} FROM lpr_detections{self.place} WHERE {where}"  # noqa: S608 (our own names)

    def without_time(self, columns: str) -> str:
        """SQL for those whose time is not known, below `:id`."""
        where = " AND ".join(("captured_at IS NULL AND id < :id", *self.conditions))
        return f"SELECT {columns} FROM lpr_detections{self.place} WHERE {where}"  # noqa: S608 (our own names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`following` is where to go on, None at the end; `back_to` where it was broken off."""

    positions: tuple[Position, ...]
    following: Position | None
    back_to: str | None = None


def plan_of(chosen: SightingFilter, dialect: Dialect = SQLITE) -> Plan:
    """Raises QuestionInvalid."""
    _check(chosen)
    pattern = PlatePattern.parse(chosen.plate)
    of_key, values, index = _by_plate(pattern, chosen, dialect)
    of_row, more_values = _by_row(chosen, pattern, dialect)
    if chosen.device_ids and index != _PLATE:
        index = _DEVICE
    if chosen.device_ids:
        of_device = dialect.among("device_id", "devices")
        values["devices"] = dialect.texts(chosen.device_ids)
        if len(chosen.device_ids) == 1:
            of_device, values["devices"] = "device_id = :devices", chosen.device_ids[0]
        of_key = (of_device, *of_key)
    if chosen.is_corrected and pattern is None and not chosen.device_ids:
        index = _CORRECTED
    finds_all = not of_row and pattern is None and len(chosen.device_ids) <= 1
    is_timed = chosen.since is not None or chosen.until is not None
    return Plan(
        index=index,
        place=dialect.by_index(index),
        conditions=("id <= :as_of", *of_key, *of_row),
        values=values | more_values,
        is_stepped=not (index in _LOOKED_UP or finds_all),
        since=text_of(chosen.since) if chosen.since else "",
        until=text_of(chosen.until) if chosen.until else LATEST,
        is_timed=is_timed,
    )


def find(
    reader: Reader,
    plan: Plan,
    *,
    after: Position,
    as_of: int,
    limit: int,
    is_time_up: Callable[[], bool] = lambda: False,
) -> Found:
    """Up to `limit` from `after` on."""
    found: list[Position] = []
    position = _begin(plan, after)
    steps = _Steps(reader, plan)
    sql = f"{plan.at_or_after('captured_at, id')} ORDER BY captured_at DESC, id DESC LIMIT :limit"
    while position.captured_at is not None and position.captured_at > plan.since:
        lower = steps.back_from(position.captured_at) if plan.is_stepped else plan.since
        values = plan.values | {
            "lower": lower,
            "at": position.captured_at,
            "id": position.id,
            "as_of": as_of,
            "limit": limit + 1 - len(found),
        }
        found.extend(Position(at, row_id) for at, row_id in reader.rows(sql, values))
        if len(found) > limit:
            return Found(positions=tuple(found[:limit]), following=found[limit - 1])
        position = Position(lower, -1)
        if lower > plan.since and is_time_up():
            return Found(positions=tuple(found), following=position, back_to=lower)
    if not plan.is_timed:
        found.extend(_without_time(reader, plan, position, as_of, limit + 1 - len(found)))
    if len(found) > limit:
        return Found(positions=tuple(found[:limit]), following=found[limit - 1])
    return Found(positions=tuple(found), following=None)


def count(
    reader: Reader, plan: Plan, *, as_of: int, is_time_up: Callable[[], bool]
) -> tuple[int, str | None]:
    """How many, and how far back was counted where the time was up before the end."""
    total = 0
    position = _begin(plan, Position())
    steps = _Steps(reader, plan)
    sql = plan.at_or_after("count(*)")
    while position.captured_at is not None and position.captured_at > plan.since:
        lower = plan.since if plan.index in _LOOKED_UP else steps.back_from(position.captured_at)
        values = plan.values | {
            "lower": lower,
            "at": position.captured_at,
            "id": position.id,
            "as_of": as_of,
        }
        total += reader.rows(sql, values)[0][0]
        position = Position(lower, -1)
        if lower > plan.since and is_time_up():
            return total, lower
    if not plan.is_timed:
        values = plan.values | {"id": LARGEST_ID, "as_of": as_of}
        total += reader.rows(plan.without_time("count(*)"), values)[0][0]
    return total, None


def clock(limit_s: float) -> Callable[[], bool]:
    """Says whether `limit_s` have passed since it was made."""
    end_s = time.monotonic() + limit_s
    return lambda: time.monotonic() > end_s


def _begin(plan: Plan, after: Position) -> Position:
    """`until` is not included: whatever has that time comes before the position."""
    if after.captured_at is not None and after.captured_at >= plan.until:
        return Position(plan.until, -1)
    return after


class _Steps:
    """How far to look back at once: as far as was quick before."""

    def __init__(self, reader: Reader, plan: Plan) -> None:
        self._reader = reader
        self._plan = plan
        self._length = FIRST_STEP
        self._began_s: float | None = None
        self._oldest: str | None = None

    def back_from(self, at: str) -> str:
        """The lower end of the next step; `plan.since` where nothing is older."""
        now_s = time.monotonic()
        if self._began_s is None:
            self._oldest = self._end("min", ">=", self._plan.since)
        elif now_s - self._began_s < QUICK_S:
            self._length *= 4
        elif now_s - self._began_s > SLOW_S:
            self._length = max(self._length / 2, timedelta(minutes=1))
        self._began_s = now_s
        newest = self._end("max", "<=", at)
        if newest is None or self._oldest is None:
            return self._plan.since
        lower = _earlier(newest, self._length)
        return lower if lower > self._oldest else self._plan.since

    def _end(self, which: str, side: str, at: str) -> str | None:
        """Looked up: the first or last time of capture on that side of `at`."""
        found = self._reader.row(
            f"SELECT {which}(captured_at) FROM lpr_detections"  # noqa: S608 (our own names)
            f"{self._reader.dialect.by_index(_CAPTURED_AT)} WHERE captured_at {side} :at",
            {"at": at},
        )
        return None if found is None or found[0] is None else str(found[0])


def _earlier(at: str, by: timedelta) -> str:
    """Empty, which is before all times, where there is no such time."""
    try:
        return text_of(datetime.fromisoformat(at) - by)
    except (ValueError, OverflowError):
        return ""


def _without_time(
    reader: Reader, plan: Plan, position: Position, as_of: int, limit: int
) -> list[Position]:
    below = position.id if position.captured_at is None else LARGEST_ID
    sql = f"{plan.without_time('id')} ORDER BY id DESC LIMIT :limit"
    values = plan.values | {"id": below, "as_of": as_of, "limit": limit}
    return [Position(None, row_id) for (row_id,) in reader.rows(sql, values)]


def _by_plate(
    pattern: PlatePattern | None, chosen: SightingFilter, dialect: Dialect
) -> tuple[tuple[str, ...], dict[str, Any], str]:
    """Conditions that an index answers by itself."""
    if pattern is None:
        return (), {}, _CAPTURED_AT
    if pattern.is_whole:
        return ("plate_key = :key",), {"key": pattern.key}, _PLATE
    conditions = (dialect.like("plate_key", "glob"),)
    values = {"glob": dialect.pattern(pattern.key_glob)}
    if len(pattern.prefix) < SELECTIVE_PREFIX or chosen.device_ids:
        return conditions, values, _CAPTURED_AT
    values |= {"first": pattern.prefix, "last": pattern.prefix + "\U0010ffff"}
    return (("plate_key >= :first AND plate_key < :last"), *conditions), values, _PLATE


def _by_row(
    chosen: SightingFilter, pattern: PlatePattern | None, dialect: Dialect
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Conditions for which the row itself must be read."""
    conditions, values = list[str](), dict[str, Any]()
    if pattern is not None and chosen.matching is Matching.EXACT:
        conditions.append(dialect.like(_compact_sql(), "exactly"))
        values["exactly"] = dialect.pattern(pattern.exact_glob)
    for column, names in (("region", chosen.regions), ("direction", chosen.directions)):
        if names:
            conditions.append(dialect.among(column, column))
            values[column] = dialect.texts(names)
    if chosen.least_percent is not None:
        conditions.append("confidence_percent >= :least")
        values["least"] = chosen.least_percent
    if chosen.most_percent is not None:
        conditions.append("confidence_percent <= :most")
        values["most"] = chosen.most_percent
    if chosen.has_picture is not None:
        same = "IS NOT DISTINCT FROM" if chosen.has_picture else "IS DISTINCT FROM"
        conditions.append(f"image_status {same} 'present'")
    if chosen.is_corrected is not None:
        conditions.append(f"corrected_plate IS {'NOT ' if chosen.is_corrected else ''}NULL")
    return tuple(conditions), values


def _compact_sql() -> str:
    text = f"upper({_SHOWN})"
    for separator in SEPARATORS:
        text = f"replace({text}, '{separator}', '')"
    return text


def _check(chosen: SightingFilter) -> None:
    for name in ("device_ids", "regions", "directions"):
        if len(getattr(chosen, name)) > MOST_NAMES:
            raise QuestionInvalid(
                f"{name}: {len(getattr(chosen, name))} names, at most {MOST_NAMES} are taken"
            )
        check(getattr(chosen, name))
    for name in ("since", "until"):
        moment = getattr(chosen, name)
        if moment is not None and moment.tzinfo is None:
            raise QuestionInvalid(
                f"{name}={moment.isoformat()}: expected a time with its offset, such as "
                f"{moment.isoformat()}Z"
            )
    if chosen.since and chosen.until and chosen.since >= chosen.until:
        raise QuestionInvalid(
            f"since={chosen.since.isoformat()} is not before until={chosen.until.isoformat()}"
        )
