"""The time of this device, and how far it can be trusted."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from wire.rows import ClockState

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_TIMEX_BYTES: Final = 512
_TIME_ERROR: Final = 5
_LOOK_S: Final = 0.5


class Clock(Protocol):
    """Where time enters. May be asked from any thread."""

    @property
    def boot_id(self) -> str:
        """Names the run of the machine since it was switched on; empty where nobody knows."""

    def now(self) -> datetime:
        """The present, aware, UTC."""

    def boot_time_s(self) -> float:
        """Seconds since the machine was switched on, sleep included; never jumps."""

    def state(self) -> ClockState:
        """Whether `now` was set by a time service."""


class SystemClock:
    """The clock of this machine. The kernel says whether a time service keeps it right.

    `adjtimex(2)`: return value TIME_ERROR means that the clock is not synchronised.
    """

    def __init__(self) -> None:
        self._boot_id = _read_boot_id()
        self._adjtimex = _adjtimex()

    @property
    def boot_id(self) -> str:
        return self._boot_id

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boot_time_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def state(self) -> ClockState:
        if self._adjtimex is None:
            return "unsynchronised"
        # All zeros asks without setting anything (modes = 0).
        answer = self._adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        return "synchronised" if 0 <= answer < _TIME_ERROR else "unsynchronised"


async def clock_is_set(clock: Clock, *, give_up_at_boot_s: float, stop: asyncio.Event) -> bool:
    """Whether the clock is right; waits for it until the machine has run so long, or `stop`.

    A machine without a battery for its clock gets the time with the network, soon after its start.
    """
    while not stop.is_set():
        if clock.state() == "synchronised":
            return True
        if clock.boot_time_s() >= give_up_at_boot_s:
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_S)
    return False


def _read_boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _adjtimex() -> ctypes._NamedFuncPointer | None:
    try:
        return ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
