"""What to leave out when memory runs short, in which order, and when to take it up again. Pure.

First the frame rate, then the picture's size, then the models that matter least: each costs more
of what the camera is for than the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

HIGH_SHARE: Final = 0.85
LOW_SHARE: Final = 0.70
"""Of the limit: above the first something is shed, below the second it is taken up again."""
STALLED_SHARE: Final = 0.20
CALM_SHARE: Final = 0.02
"""Likewise of the time that programs wait for memory (PSI `some avg10`, 0..1)."""
STEP_S: Final = 10.0
"""What was shed last shows its effect within this time; the next step waits for it."""
CALM_S: Final = 60.0
STEADY_S: Final = 900.0
"""Work is taken up again after so long below the lower share, or below the higher one: on a small
device memory may lie between the two for good."""


class Shed(IntEnum):
    """How much is left out; each includes those before it."""

    NOTHING = 0
    FRAME_RATE = 1
    PICTURE_SIZE = 2
    MODELS = 3


_NAMES: Final = {
    Shed.FRAME_RATE: "fewer frames",
    Shed.PICTURE_SIZE: "smaller pictures",
    Shed.MODELS: "no faces",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """`process_bytes` of `limit_bytes` are in use; `stalled_share` None: the kernel is silent."""

    process_bytes: int
    limit_bytes: int
    stalled_share: float | None = None

    @property
    def is_high(self) -> bool:
        is_stalled = self.stalled_share is not None and self.stalled_share > STALLED_SHARE
        return is_stalled or self.process_bytes > HIGH_SHARE * self.limit_bytes

    @property
    def is_low(self) -> bool:
        is_calm = self.stalled_share is None or self.stalled_share < CALM_SHARE
        return is_calm and self.process_bytes < LOW_SHARE * self.limit_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shedding:
    """What is left out since `since_s`; `calm_since_s` while memory is plentiful again,
    `high_at_s` when it was short last.

    `steps` counts how often something was shed since the start.
    """

    shed: Shed = Shed.NOTHING
    since_s: float = float("-inf")
    calm_since_s: float | None = None
    high_at_s: float = float("-inf")
    steps: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """What is left out, in words."""
        return tuple(name for step, name in _NAMES.items() if step <= self.shed)


def decide(state: Shedding, pressure: Pressure, *, now_s: float) -> Shedding:
    """The state after a look at the memory: at most one step in either direction."""
    if pressure.is_high:
        calm = replace(state, calm_since_s=None, high_at_s=now_s)
        if state.shed is Shed.MODELS or now_s - state.since_s < STEP_S:
            return calm
        return replace(calm, shed=Shed(state.shed + 1), since_s=now_s, steps=state.steps + 1)
    if state.shed is Shed.NOTHING:
        return replace(state, calm_since_s=None)
    calm_since_s = state.calm_since_s
    if not pressure.is_low:
        calm_since_s = None
    elif calm_since_s is None:
        calm_since_s = now_s
    is_calm = calm_since_s is not None and now_s - calm_since_s >= CALM_S
    if not is_calm and now_s - max(state.since_s, state.high_at_s) < STEADY_S:
        return replace(state, calm_since_s=calm_since_s)
    calm_since_s = None if calm_since_s is None else now_s
    return replace(state, shed=Shed(state.shed - 1), since_s=now_s, calm_since_s=calm_since_s)
