"""Which faults come, to whom, and when: all of it drawn from a seed, before anything starts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from typing import Final


class FaultKind(Enum):
    """The value is how it reads in the table."""

    SERVER_KILLED = "server killed (SIGKILL)"
    SERVER_STOPPED = "server restarted (SIGTERM)"
    SENDER_KILLED = "sender killed (SIGKILL)"
    CAMERA_KILLED = "recording program killed (SIGKILL)"
    LINK_CUT = "link cut in mid-frame"
    LINK_SLOW = "link delayed"
    LINK_STALLED = "link stalled"
    LINK_HALF_OPEN = "link half-open, then reset"
    FRAMES_LATE = "link reset, its frames delivered late"
    CLOCK_JUMPED = "camera's clock jumped"
    CAMERA_DISK_FULL = "camera's disk full and back"
    SERVER_DISK_FULL = "server's disk full and back"
    SERVER_RESTORED = "server restored from an older backup"


WEIGHTS: Final[dict[FaultKind, int]] = {
    FaultKind.SERVER_KILLED: 10,
    FaultKind.SERVER_STOPPED: 3,
    FaultKind.SENDER_KILLED: 14,
    FaultKind.CAMERA_KILLED: 8,
    FaultKind.LINK_CUT: 30,
    FaultKind.LINK_SLOW: 8,
    FaultKind.LINK_STALLED: 8,
    FaultKind.LINK_HALF_OPEN: 6,
    FaultKind.FRAMES_LATE: 6,
    FaultKind.CLOCK_JUMPED: 8,
    FaultKind.CAMERA_DISK_FULL: 5,
    FaultKind.SERVER_DISK_FULL: 3,
    FaultKind.SERVER_RESTORED: 3,
}
GAP_S: Final = 0.25
"""Mean of the time between two faults; those of different parts overlap."""

DAY_S: Final = 86_400.0
CLOCKS: Final = (-20 * 365 * DAY_S, -DAY_S, -3600.0, -2.0, 0.0, 2.0, 3600.0, DAY_S, 365 * DAY_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`after_s` is counted from the fault before; `lasts_s` is how long it stays.

    `after_bytes` is where a link is cut, counted from now in the direction that is cut;
    `clock_s` is how far the clock is off from then on.
    """

    kind: FaultKind
    camera: int
    after_s: float
    lasts_s: float
    after_bytes: int
    is_upward: bool
    clock_s: float


def schedule(*, faults: int, seed: int, cameras: int) -> list[Fault]:
    """The same faults for the same arguments. Each kind comes once at least, if there is room."""
    chance = random.Random(seed)
    kinds = list(FaultKind)
    weights = [WEIGHTS[kind] for kind in kinds]
    more = chance.choices(kinds, weights, k=max(0, faults - len(kinds)))
    chance.shuffle(kinds)
    drawn = [*kinds[:faults], *more]
    chance.shuffle(drawn)
    return [_fault(kind, chance, cameras) for kind in drawn]


def _fault(kind: FaultKind, chance: random.Random, cameras: int) -> Fault:
    is_upward = chance.random() < 0.7
    return Fault(
        kind=kind,
        camera=chance.randrange(cameras),
        after_s=min(chance.expovariate(1 / GAP_S), 4 * GAP_S),
        lasts_s=chance.uniform(0.1, 2.0),
        # A row with its picture has some 6 KB, a frame one or many; an answer 100 bytes to some KB.
        after_bytes=chance.randint(1, 20_000 if is_upward else 400),
        is_upward=is_upward,
        clock_s=chance.choice(CLOCKS),
    )
