"""Passes frames from the thread that captures to the one that reads, in a bounded space."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from agent.camera.errors import SourceError
from agent.camera.frame import Frame


class Handover:
    """Frames waiting to be taken, in order.

    `lossless`: up to `capacity` frames wait and `put` blocks while it is full (back pressure).
    Otherwise one frame waits, a newer one takes its place, and the older is counted as dropped.
    """

    def __init__(self, *, lossless: bool, capacity: int = 4) -> None:
        self._lossless = lossless
        self._capacity = capacity if lossless else 1
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._is_ended = False
        self._is_closed = False
        self._error: SourceError | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        with self._changed:
            return self._dropped

    @property
    def capacity(self) -> int:
        return self._capacity

    @property
    def waiting(self) -> int:
        """Frames that wait now, at most `capacity`."""
        with self._changed:
            return len(self._frames)

    def put(self, frame: Frame) -> bool:
        """Hands a frame over; False once the handover is closed and nobody will take it."""
        with self._changed:
            if self._lossless:
                self._changed.wait_for(lambda: self._is_closed or not self._is_full)
            elif self._is_full and not self._is_closed:
                self._frames.popleft()
                self._dropped += 1
            if self._is_closed:
                return False
            self._frames.append(frame)
            self._changed.notify_all()
            return True

    def end(self, error: SourceError | None = None) -> None:
        """No more frames will come, because of `error` where one is given."""
        with self._changed:
            self._is_ended, self._error = True, error
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody will take any more; whoever waits in `put` or `take` goes on. Idempotent."""
        with self._changed:
            self._is_closed = True
            self._frames.clear()
            self._changed.notify_all()

    def take(self, timeout_s: float, otherwise: Callable[[], SourceError]) -> Frame | None:
        """The next frame, or None at the end; raises what ended it, or `otherwise()` in time.

        Frames that were put before the end come first.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._frames or self._is_ended or self._is_closed, timeout_s
            )
            if self._frames:
                frame = self._frames.popleft()
                self._changed.notify_all()
                return frame
            if self._is_closed:
                return None
            if not self._is_ended:
                raise otherwise()
            if self._error is not None:
                raise self._error
            return None

    @property
    def _is_full(self) -> bool:
        return len(self._frames) >= self._capacity
