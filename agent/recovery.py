"""The ladder that is climbed for a part that gives nothing: what to do next. Pure.

Reopen what it reads from, then build the part anew, then tell the service manager no longer that
all is well, so that it starts the whole service anew. Each rung has a time to help before the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Final


class Rung(StrEnum):
    """How far was climbed; by what was done last."""

    WELL = "well"
    REOPENED = "reopened"
    RESTARTED = "restarted"
    GIVEN_UP = "given up"


class Signal(Enum):
    """What a look at the part shows.

    `FAILING`: its calls return, with errors. `HANGING`: a call does not return; only that can be
    cured by another process, so only that ever gives up: a camera without power does not.
    """

    WORKING = "working"
    FAILING = "failing"
    HANGING = "hanging"


class Action(Enum):
    """What is to be done now."""

    REOPEN = "reopen"
    RESTART = "restart"
    GIVE_UP = "stop telling the service manager that all is well"


Step = tuple[Rung, Action | None]
Table = Mapping[tuple[Rung, Signal], Step]

CAMERA: Final[Table] = {
    (Rung.WELL, Signal.FAILING): (Rung.REOPENED, Action.REOPEN),
    (Rung.WELL, Signal.HANGING): (Rung.REOPENED, Action.REOPEN),
    (Rung.REOPENED, Signal.FAILING): (Rung.RESTARTED, Action.RESTART),
    (Rung.REOPENED, Signal.HANGING): (Rung.RESTARTED, Action.RESTART),
    (Rung.RESTARTED, Signal.FAILING): (Rung.RESTARTED, Action.RESTART),
    (Rung.RESTARTED, Signal.HANGING): (Rung.GIVEN_UP, Action.GIVE_UP),
    (Rung.GIVEN_UP, Signal.FAILING): (Rung.RESTARTED, Action.RESTART),
    (Rung.GIVEN_UP, Signal.HANGING): (Rung.GIVEN_UP, None),
}
"""Where a part has a source that can be opened again."""

PIPELINE: Final[Table] = {
    (Rung.WELL, Signal.FAILING): (Rung.RESTARTED, Action.RESTART),
    (Rung.WELL, Signal.HANGING): (Rung.RESTARTED, Action.RESTART),
    (Rung.RESTARTED, Signal.FAILING): (Rung.RESTARTED, Action.RESTART),
    (Rung.RESTARTED, Signal.HANGING): (Rung.GIVEN_UP, Action.GIVE_UP),
    (Rung.GIVEN_UP, Signal.FAILING): (Rung.RESTARTED, Action.RESTART),
    (Rung.GIVEN_UP, Signal.HANGING): (Rung.GIVEN_UP, None),
}
"""Where there is nothing to reopen. `WORKING` leads to `WELL` from everywhere, in both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds without success until the first rung, and from each rung to the next.

    A rung that is climbed again waits twice as long each time, up to `longest_s`.
    """

    first_s: float
    next_s: float
    longest_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Where a part stands: its rung since `since_s` (monotonic), and counts since the start.

    `repeats` is how often the present rung was climbed in a row.
    """

    rung: Rung = Rung.WELL
    since_s: float = 0.0
    repeats: int = 0
    reopened: int = 0
    restarted: int = 0
    given_up: int = 0

    @property
    def is_given_up(self) -> bool:
        return self.rung is Rung.GIVEN_UP


def climb(
    ladder: Ladder,
    signal: Signal,
    *,
    silent_s: float,
    now_s: float,
    patience: Patience,
    table: Table,
) -> tuple[Ladder, Action | None]:
    """The ladder after a look, and what to do; `silent_s` is the time since the last success."""
    if signal is Signal.WORKING:
        if ladder.rung is Rung.WELL:
            return ladder, None
        return replace(ladder, rung=Rung.WELL, since_s=now_s, repeats=0), None
    if ladder.rung is Rung.WELL:
        is_due = silent_s >= patience.first_s
    else:
        wait_s = patience.next_s * 2.0 ** min(max(0, ladder.repeats - 1), 20)
        is_due = now_s - ladder.since_s >= min(wait_s, max(patience.longest_s, patience.next_s))
    if not is_due:
        return ladder, None
    rung, action = table[ladder.rung, signal]
    if action is None:
        return ladder, None
    return (
        replace(
            ladder,
            rung=rung,
            since_s=now_s,
            repeats=ladder.repeats + 1 if rung is ladder.rung else 1,
            reopened=ladder.reopened + (action is Action.REOPEN),
            restarted=ladder.restarted + (action is Action.RESTART),
            given_up=ladder.given_up + (action is Action.GIVE_UP),
        ),
        action,
    )


def is_alive(*ladders: Ladder) -> bool:
    """Whether the service manager is to be told that all is well; no when a part was given up."""
    return not any(ladder.is_given_up for ladder in ladders)
