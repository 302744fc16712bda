"""Hours of the week in which a rule holds: `mon-fri 08:00-18:00; sat 09:00-12:00`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from server.errors import QuestionInvalid

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY: Final = 24 * 60
LONGEST: Final = 500
"""Characters of a schedule."""

_WINDOW: Final = re.compile(r"(?:([a-z][a-z,\s-]*?)\s+)?(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From `begin` to `end`, minutes of the day, on `days` (0: Monday). Where `end` is not after
    `begin` it goes on into the next day: its night belongs to the day on which it began."""

    days: frozenset[int]
    begin: int
    end: int

    def holds(self, day: int, minute: int) -> bool:
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or (
            (day - 1) % len(DAYS) in self.days and minute < self.end
        )


Schedule = tuple[Window, ...]
"""Any window is enough; none at all: always."""


def holds(schedule: Schedule, local: datetime) -> bool:
    """Whether that is in force at a moment, given as a clock in its place shows it."""
    minute = 60 * local.hour + local.minute
    return not schedule or any(each.holds(local.weekday(), minute) for each in schedule)


def parse(text: str) -> Schedule:
    """Of `DAYS HH:MM-HH:MM`, several with semicolons; empty: always. Raises QuestionInvalid."""
    if len(text) > LONGEST:
        raise QuestionInvalid(f"schedule: expected at most {LONGEST} characters, got {len(text)}")
    return tuple(_window(part.strip().lower()) for part in text.split(";") if part.strip())


def text_of(schedule: Schedule) -> str:
    """As `parse` reads it."""
    return "; ".join(map(_words, schedule))


def _words(window: Window) -> str:
    clock = f"{_clock(window.begin)}-{_clock(window.end)}"
    if len(window.days) == len(DAYS):
        return clock
    return f"{','.join(DAYS[day] for day in sorted(window.days))} {clock}"


def _window(text: str) -> Window:
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise _wrong(text)
    days, *clock = found.groups()
    begin, end = _minute(*clock[:2], text=text), _minute(*clock[2:], text=text)
    return Window(days=_days(days or "mon-sun", text), begin=begin % MINUTES_A_DAY, end=end)


def _days(words: str, text: str) -> frozenset[int]:
    days: set[int] = set()
    for word in re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", words.strip())):
        first, _, last = word.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise _wrong(text)
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days |= {(begin + step) % len(DAYS) for step in range((end - begin) % len(DAYS) + 1)}
    return frozenset(days)


def _minute(hour: str, minute: str, *, text: str) -> int:
    found = 60 * int(hour) + int(minute)
    if int(minute) > 59 or found > MINUTES_A_DAY:
        raise _wrong(text)
    return found


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _wrong(text: str) -> QuestionInvalid:
    return QuestionInvalid(
        f"schedule={text[:60]!r}: expected days and hours such as 'mon-fri 08:00-18:00', several "
        "with semicolons; '22:00-06:00' is every night"
    )
