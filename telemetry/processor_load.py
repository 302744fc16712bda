"""How busy the machine's processor is: of the last minute, or since the question before.

`psutil.cpu_percent` keeps for each thread when it was asked: in a thread that never asked it tells
nothing, and in another one of a time that nobody knows. So it is asked nowhere else.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

import psutil

MOST_S: Final = 60.0
LEAST_S: Final = 0.5
"""Of less the question itself is most of what is seen."""
_KEPT: Final = int(MOST_S / LEAST_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`at_s` is monotonic; `busy_s` and `whole_s` are of all cores, since the machine started."""

    at_s: float
    busy_s: float
    whole_s: float


def percent_between(before: Moment, after: Moment) -> float:
    """0..100 of all cores, also where the kernel's books went back: time spent waiting for disks
    does (proc(5)), and what a core did leaves them with the core."""
    whole_s = after.whole_s - before.whole_s
    share = (after.busy_s - before.busy_s) / whole_s if whole_s > 0 else 0.0
    return 100 * min(1.0, max(0.0, share))


def moment_now() -> Moment:
    times = psutil.cpu_times()
    guests_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # in user, nice too
    whole_s = sum(times) - guests_s
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    return Moment(at_s=time.monotonic(), busy_s=whole_s - idle_s, whole_s=whole_s)


class LoadSince:
    """Of the time since the question before, at first since this was made. Thread-safe; never
    blocks: whoever asks sooner than LEAST_S after somebody hears what that one heard."""

    def __init__(self, look: Callable[[], Moment] = moment_now) -> None:
        self._lock = Lock()
        self._look = look
        self._before = look()
        self._told = 0.0

    def share(self) -> float:
        """0..1 of all cores."""
        with self._lock:
            now = self._look()
            if now.at_s - self._before.at_s >= LEAST_S:
                self._told = percent_between(self._before, now) / 100
                self._before = now
            return self._told


class ProcessorLoad:
    """Of the last minute, as far as somebody asked before. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._moments: deque[Moment] = deque(maxlen=_KEPT)

    def percent(self) -> float:
        """Blocks for LEAST_S where nobody asked within the last minute."""
        with self._lock:
            while self._moments and time.monotonic() - self._moments[0].at_s > MOST_S:
                self._moments.popleft()
            if not self._moments:
                self._moments.append(moment_now())
            left_s = self._moments[0].at_s + LEAST_S - time.monotonic()
            if left_s > 0:
                time.sleep(left_s)
            now = moment_now()
            if now.at_s - self._moments[-1].at_s >= LEAST_S:
                self._moments.append(now)
            return percent_between(self._moments[0], now)
