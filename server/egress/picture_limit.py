"""How large a picture a broker takes, found out by what it breaks the line at."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog

TRIES: Final = 3
HOLDS_FOR: Final = timedelta(hours=1)
"""Then larger ones are tried again: it may have been something else, or be set otherwise."""

_log = structlog.get_logger(__name__)


class PictureLimit:
    """A broker of MQTT 3.1.1 does not say which packets are too large for it: it breaks the line,
    and would at the same picture again and again. Where TRIES lines in a row broke in the midst of
    pictures, those as large as the largest of them are left out, and all others are told."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._broken: list[int] = []
        self._least_too_large: tuple[int, datetime] | None = None

    def takes(self, size_bytes: int) -> bool:
        """Whether a picture so large is to be told."""
        if self._least_too_large is None:
            return True
        too_large_bytes, until = self._least_too_large
        return size_bytes < too_large_bytes or self._now() >= until

    @contextlib.contextmanager
    def telling(self, largest_bytes: int) -> Iterator[None]:
        """While pictures are told, the largest of them so large: it counts where that has no end,
        for whatever reason."""
        try:
            yield
        except BaseException:
            self._broken.append(largest_bytes)
            if len(self._broken) == TRIES:
                self._leave_out(min(self._broken))
            raise
        self._broken.clear()

    def _leave_out(self, too_large_bytes: int) -> None:
        self._broken.clear()
        self._least_too_large = (too_large_bytes, self._now() + HOLDS_FOR)
        _log.error(
            "pictures are not told over MQTT for an hour: the broker breaks the line at them; let "
            "it take larger packets (Mosquitto: max_packet_size)",
            from_bytes=too_large_bytes,
        )
