"""An entry in words: whether it holds, until when, and what a change makes another. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from server.watchlist.contract import EntryDetails


class Standing(StrEnum):
    """Whether an entry holds at a moment."""

    HOLDS = "holds"
    NOT_YET = "not yet"
    OVER = "over"


def standing_of(details: EntryDetails, now: datetime) -> Standing:
    if details.valid_until is not None and details.valid_until <= now:
        return Standing.OVER
    if details.valid_from is not None and details.valid_from > now:
        return Standing.NOT_YET
    return Standing.HOLDS


def moment_words(at: datetime, zone: tzinfo, *, ends: bool = False) -> str:
    """A time on clocks of `zone`, or a day where it is one's beginning; with `ends` the last day
    that is included."""
    there = at.astimezone(zone)
    if there.time() != time():
        return f"{there:%Y-%m-%d %H:%M:%S}"
    return f"{there - timedelta(days=1) if ends else there:%Y-%m-%d}"


def difference(before: EntryDetails, after: EntryDetails, zone: tzinfo) -> str:
    """What is another, such as `reason 'stolen' → 'found', until 2026-12-31 → nothing`; empty where
    nothing is."""
    old, new = _words(before, zone), _words(after, zone)
    return ", ".join(
        f"{name} {old[name] or 'nothing'} → {new[name] or 'nothing'}"
        for name in old
        if old[name] != new[name]
    )


def _words(details: EntryDetails, zone: tzinfo) -> dict[str, str]:
    begin, end = details.valid_from, details.valid_until
    cooldown = details.cooldown_s
    return {
        "plate": details.plate,
        "reason": repr(details.reason) if details.reason else "",
        "from": moment_words(begin, zone) if begin is not None else "",
        "until": moment_words(end, zone, ends=True) if end is not None else "",
        "hours": details.schedule,
        "cameras": " ".join(details.device_ids),
        "cooldown": f"{cooldown} s" if cooldown is not None else "",
    }
