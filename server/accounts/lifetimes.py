"""How long a session lasts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """A session ends when nobody used it for `idle`, and in any case after `whole`."""

    idle: timedelta = timedelta(hours=1)
    whole: timedelta = timedelta(hours=12)

    def is_over(self, *, begun_at: datetime, last_used_at: datetime, now: datetime) -> bool:
        """Also where the clock went back behind the session's beginning by more than it lasts."""
        return (
            now - begun_at >= self.whole
            or now - last_used_at >= self.idle
            or begun_at - now >= self.whole
        )
