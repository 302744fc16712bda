"""This process's memory: what it may use, and what is left out when that runs short."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from agent.shedding import Pressure, Shed, Shedding, decide
from telemetry.process_memory import free_memory

MACHINE_SHARE: Final = 0.5
GROUP_SHARE: Final = 0.9
"""Of the machine's memory, or of what a control group grants: the limit where none is set."""

log = structlog.get_logger(__name__)


class MemoryKeeper:
    """Sheds work while memory is short. `apply` is told of each change; used by one thread."""

    def __init__(
        self,
        *,
        limit_bytes: int,
        apply: Callable[[Shed], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit_bytes = limit_bytes
        self._apply = apply
        self._clock = clock
        self._state = Shedding()

    @property
    def state(self) -> Shedding:
        return self._state

    def look(self, *, process_bytes: int, stalled_share: float | None) -> Shedding:
        """Decides by these facts, applies what changes, and says what is left out now."""
        pressure = Pressure(
            process_bytes=process_bytes, limit_bytes=self.limit_bytes, stalled_share=stalled_share
        )
        before, self._state = self._state, decide(self._state, pressure, now_s=self._clock())
        if self._state.shed is not before.shed:
            self._apply(self._state.shed)
            is_worse = self._state.shed > before.shed
            log.warning(
                "memory is short" if is_worse else "memory suffices again",
                severity="critical" if is_worse else "low",
                action="memory freed, work left out" if is_worse else "work taken up again",
                left_out=", ".join(self._state.names) or "nothing",
                process_mb=process_bytes // 1_000_000,
                limit_mb=self.limit_bytes // 1_000_000,
            )
        if pressure.is_high:
            free_memory()
        return self._state


def limit_of(*, configured_mb: int, machine_bytes: int, group_bytes: int | None) -> int:
    """The limit in bytes; `configured_mb` 0 takes it from the machine. Pure."""
    if configured_mb:
        return configured_mb * 1_000_000
    whole = int(machine_bytes * MACHINE_SHARE)
    return whole if group_bytes is None else min(whole, int(group_bytes * GROUP_SHARE))
