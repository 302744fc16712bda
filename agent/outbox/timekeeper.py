"""Says of every row when it was captured, and what the clock was worth then."""

from __future__ import annotations

from datetime import datetime, tzinfo

from agent.clock import Clock
from agent.outbox.recording import Values, timestamp_text
from agent.outbox.truetime import Seen, placed, remembered, seen_now, true_time


class Timekeeper:
    """Remembers how the clock stood in the last minutes. Used by one thread at a time."""

    def __init__(self, clock: Clock, zone: tzinfo | None) -> None:
        self._clock = clock
        self._zone = zone
        self._clocks: tuple[Seen, ...] = ()

    def look(self) -> Seen:
        """Notes how the clock stands; now and then, so that a step is noticed."""
        now, boot_time_s = self._clock.now(), self._clock.boot_time_s()
        newest = seen_now(now, boot_time_s=boot_time_s, state=self._clock.state())
        self._clocks = remembered(self._clocks, newest)
        return newest

    def stamp(self, captured_at: datetime) -> Values:
        """The time columns of a row that is recorded now.

        A time from before the clock was set is set right at once where it is by now. One that no
        clock of ours gave (a file's own) has no `boot_id`, so that nobody sets it right later.
        """
        newest = self.look()
        at = placed(captured_at, boot_time_s=newest.boot_time_s, clocks=self._clocks)
        state = at.state if at else newest.state
        boot_time_s = at.boot_time_s if at else newest.boot_time_s
        if state == "unsynchronised" and newest.state == "synchronised":
            state = "corrected"
            captured_at = true_time(boot_time_s, newest.offset_s)
        return {
            "timestamp": timestamp_text(captured_at, self._zone),
            "clock_state": state,
            "boot_id": self._clock.boot_id if at else "",
            "boot_time_s": boot_time_s,
        }
