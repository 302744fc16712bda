"""One attempt to tell an alert: its time, and whether the other side may know of it by now."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

BEGUN_WITHIN_S: Final = 50.0
"""From its claim on, for all that comes before the message itself: the turn of those that are told
there before it, looking up a name, connecting to all of its addresses, signing in."""


class Attempt:
    """What began in its time is told, else nobody is. Safe for threads: one tells, and another may
    call it off meanwhile."""

    def __init__(
        self,
        *,
        begun_within_s: float = BEGUN_WITHIN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._begun_by_s = clock() + begun_within_s
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._is_begun = False
        self._is_called_off = False

    def left_s(self, most_s: float, *, of: int = 1) -> float:
        """For the next of so many steps before the message. Raises OSError where no time is left,
        or it was called off."""
        left_s = self._begun_by_s - self._clock()
        if self._is_called_off:
            raise ConnectionAbortedError("called off: this server stops")
        if left_s <= 0:
            raise TimeoutError("no time is left for it, it is tried again")
        return min(most_s, left_s / of)

    def holds(self, line: socket.socket) -> None:
        """What it waits on from now on. Raises as `left_s`."""
        with self._lock:
            self.left_s(0.0)
            self._line = line

    def cut(self) -> None:
        """Whatever waits on its line ends: a thread that waits keeps the process from its end."""
        with self._lock:
            self._cut()

    def _cut(self) -> None:
        if self._line is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._line, socket.SHUT_RDWR)  # below TLS

    def end(self) -> None:
        """Nobody waits for it any more."""
        if not self.call_off():
            self.cut()

    def begin(self) -> None:
        """From now on the other side may know. Raises as `left_s`."""
        with self._lock:
            self.left_s(0.0)
            self._is_begun = True

    def call_off(self) -> bool:
        """Whether nobody was told, and nobody will be."""
        with self._lock:
            self._is_called_off = not self._is_begun
            if self._is_called_off:
                self._cut()
            return self._is_called_off
