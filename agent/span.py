"""Lengths of time as people say them."""

from __future__ import annotations

from datetime import timedelta

_UNITS = ((86400, "days"), (3600, "hours"), (60, "minutes"))


def spoken(span: timedelta | float) -> str:
    """`2 hours`, `45 s`; of seconds or a timedelta, never below zero."""
    seconds = max(0.0, span.total_seconds() if isinstance(span, timedelta) else span)
    for size, name in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
