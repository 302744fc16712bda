"""A session of its own for each input shape, where changing the shape is dear: on a graphics card.

There the runtime prepares every convolution anew when the shape differs from the last run's: 0.2 to
4 s on an H200 (docs/measurements.md), where the run itself takes 2 to 5 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

MOST_SHAPES = 4
"""Sessions of one network; with one more shape the session unused the longest takes it over."""

Shape = tuple[int, ...]
Session = TypeVar("Session")


class SessionsByShape(Generic[Session]):
    """At most `most` sessions, the first of which is there already; `make` loads another."""

    def __init__(
        self, first: Session, make: Callable[[], Session], *, most: int = MOST_SHAPES
    ) -> None:
        self._idle = [first]
        self._make = make
        self._most = most
        self._by_shape: dict[Shape, Session] = {}

    def of(self, shape: Shape) -> Session:
        """The session for inputs of this shape."""
        session = self._by_shape.pop(shape, None)
        if session is None:
            session = self._next()
        self._by_shape[shape] = session  # the newest lies last
        return session

    def _next(self) -> Session:
        if self._idle:
            return self._idle.pop()
        if len(self._by_shape) < self._most:
            return self._make()
        return self._by_shape.pop(next(iter(self._by_shape)))
