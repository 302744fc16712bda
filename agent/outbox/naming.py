"""Message ids for rows of this device."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from agent.clock import Clock
from wire.message_id import RANDOM_BYTES, time_ordered_id

system_random = os.urandom
"""The operating system's random bytes, where a program is put together without another source."""


class MessageIds:
    """Gives UUIDv7 ids. Safe from any thread, as far as `random` is."""

    def __init__(self, clock: Clock, random: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._random = random

    def fresh(self, at: datetime | None = None) -> str:
        """An id that sorts by `at`, or by now."""
        moment = at or self._clock.now()
        return time_ordered_id(int(moment.timestamp() * 1000), self._random(RANDOM_BYTES))
