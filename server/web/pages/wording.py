"""Numbers, times and sizes as words. Pure; times are shown in the centre's own time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final

NOTHING = "–"
_COMMAND: Final = re.compile(
    r"((?:[A-Z_]+=(?:'[^']*'|\S)+ )*"
    r"(?:'[^']*'|[\w./-]*python[\w.]*) -m (?:agent|server)(?: [\w=-]+)+)"
)


def number(value: float | None, digits: int = 0) -> str:
    """With thin groups of thousands: 12,345."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """Of a value in percent."""
    return NOTHING if value is None else f"{value:.0f}%"


def share(value: float | None) -> str:
    """Of a value 0..1."""
    return NOTHING if value is None else f"{100 * value:.0f}%"


def size(value_bytes: float | None) -> str:
    """In decimal units, as disks are sold."""
    if value_bytes is None:
        return NOTHING
    amount, unit = float(value_bytes), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if abs(amount) < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if amount >= 100 or unit == "B" else f"{amount:.1f} {unit}"


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in its largest unit."""
    return NOTHING if since is None else length(max(now - since, timedelta()))


def length(span: timedelta) -> str:
    """A span in its largest unit, two of them where that says more: 1 h 20 min."""
    seconds = int(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"
    days = hours // 24
    return f"{days} day" if days == 1 else f"{days:,} days"


def offset(seconds: float | None) -> str:
    """A clock's offset with its sign."""
    if seconds is None:
        return NOTHING
    if abs(seconds) < 0.05:
        return "0.0 s"
    sign = "−" if seconds < 0 else "+"
    if abs(seconds) < 10:
        return f"{sign}{abs(seconds):.1f} s"
    return f"{sign}{length(timedelta(seconds=abs(seconds)))}"


def temperature(value_c: float | None) -> str:
    return NOTHING if value_c is None else f"{value_c:.0f} °C"


def moment(at: datetime | None, zone: tzinfo) -> str:
    """Day and time: 2026-08-06 10:30:00."""
    return NOTHING if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def zone_name(zone: tzinfo, at: datetime) -> str:
    """What clocks there are called: UTC, CET, +07."""
    return at.astimezone(zone).tzname() or str(zone)


def zoned(at: datetime | None, zone: tzinfo) -> str:
    """A moment with the name of its clock."""
    return NOTHING if at is None else f"{moment(at, zone)} {zone_name(zone, at)}"


def clock(at: datetime | None, zone: tzinfo) -> str:
    return NOTHING if at is None else f"{at.astimezone(zone):%H:%M:%S}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 row, 2 rows."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def commands_apart(text: str) -> tuple[tuple[str, bool], ...]:
    """A text in pieces, each with whether it is a command to be typed: one of this program's, with
    the settings before it."""
    pieces = _COMMAND.split(text)
    return tuple((piece, bool(place % 2)) for place, piece in enumerate(pieces) if piece)


def in_labels(text: str, labels: Mapping[str, str]) -> str:
    """What is wrong with a form, with the label of the field that it begins with, which is called
    by its own name there: `name='a': ...`, `plate: ...`."""
    found = re.match(r"([a-z_]+)(=|:)", text)
    if found is None or found[1] not in labels:
        return text
    return f"{labels[found[1]]}{' ' if found[2] == '=' else ':'}{text[found.end() :]}"
