"""Whether a connection is dead: neither bytes nor pongs have moved for too long. Pure."""

from __future__ import annotations

from typing import Final

UNMEASURED_BYTES_S: Final = 2_000.0
"""What a line is taken to carry until it has shown more."""


def answer_patience_s(size_bytes: int, *, rate_bytes_s: float, least_s: float) -> float:
    """How long the answer to a frame of that size may take, once the frame has gone out.

    `rate_bytes_s` is what the line has shown to carry, 0 if nothing yet.
    """
    return max(least_s, 2 * size_bytes / (rate_bytes_s or UNMEASURED_BYTES_S))


class Waiting:
    """How long the oldest unanswered frame has been on the other side. Times as above."""

    def __init__(self) -> None:
        self._number = 0
        self._since_s: float | None = None

    def seen(self, number: int, *, is_gone: bool, now_s: float) -> float:
        """Seconds since the frame was first seen gone: no byte of it is on its way any more."""
        if number != self._number:
            self._number, self._since_s = number, None
        if self._since_s is None and is_gone:
            self._since_s = now_s
        return 0.0 if self._since_s is None else now_s - self._since_s


class Liveness:
    """Fed with what was seen; times are monotonic seconds."""

    def __init__(self, *, dead_after_s: float, now_s: float) -> None:
        self._dead_after_s = dead_after_s
        self._moved_s = now_s
        self._queued_bytes = 0

    def heard(self, now_s: float) -> None:
        """A message or a pong came."""
        self._moved_s = max(self._moved_s, now_s)

    def sent(self, size_bytes: int) -> None:
        """Bytes joined the queue towards the peer."""
        self._queued_bytes += size_bytes

    def observed(self, queued_bytes: int, now_s: float) -> None:
        """Bytes that the peer has not confirmed yet; fewer than before means that some moved."""
        if queued_bytes < self._queued_bytes:
            self._moved_s = max(self._moved_s, now_s)
        self._queued_bytes = queued_bytes

    def is_dead(self, now_s: float) -> bool:
        return now_s - self._moved_s > self._dead_after_s
