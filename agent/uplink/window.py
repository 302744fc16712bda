"""How much to have in flight: a few seconds of what the line has shown it can carry. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

FIRST_BYTES: Final = 65_536
SECONDS_IN_FLIGHT: Final = 3.0
DECAY: Final = 0.9
FRAGMENT_BYTES: Final = 16_384
FRAGMENT_S: Final = 0.25
FRAME_BYTES: Final = 49_152
LARGEST_FRAME_BYTES: Final = 262_144
FRAME_S: Final = 0.02
CAPPED_FRAME_S: Final = 1.0
"""At a capped rate: what is fresh waits for the frame before it."""


class SentFrame(NamedTuple):
    """A frame without an answer."""

    number: int
    size_bytes: int


class Window:
    """Measures bytes acknowledged a second, as a slowly forgetting maximum. Times are monotonic.

    A frame's sample is what was acknowledged between its sending and its answer, over that time
    (the delivery rate of BBR, draft-cardwell-iccrg-bbr-congestion-control, section 4.1).
    """

    def __init__(self, cap_bytes_s: float = 0.0) -> None:
        """`cap_bytes_s` is what may be sent a second at most, 0 for no cap."""
        self._cap_bytes_s = cap_bytes_s
        self._delivered_bytes = 0
        self._sent: dict[int, tuple[float, int, int]] = {}
        self.rate_bytes_s = 0.0

    @property
    def limit_bytes(self) -> int:
        """The most to have unanswered; the caller lets one row pass always."""
        limit = max(FIRST_BYTES, int(self.rate_bytes_s * SECONDS_IN_FLIGHT))
        return self._within_cap(limit, SECONDS_IN_FLIGHT)

    @property
    def frame_bytes(self) -> int:
        """How large a frame of several rows should become: small on a slow line."""
        size = min(LARGEST_FRAME_BYTES, max(FRAME_BYTES, int(self.rate_bytes_s * FRAME_S)))
        return self._within_cap(size, CAPPED_FRAME_S)

    @property
    def fragment_bytes(self) -> int:
        """How large a piece may be so that a ping behind it waits a moment at most."""
        return max(FRAGMENT_BYTES, int(self.rate_bytes_s * FRAGMENT_S))

    def _within_cap(self, size_bytes: int, seconds: float) -> int:
        return (
            min(size_bytes, int(self._cap_bytes_s * seconds)) if self._cap_bytes_s else size_bytes
        )

    def sent(self, frame: int, size_bytes: int, now_s: float) -> None:
        self._sent[frame] = (now_s, size_bytes, self._delivered_bytes)

    def oldest(self) -> SentFrame | None:
        """The frame that has waited longest for its answer, None where none does."""
        for number, (_, size_bytes, _) in self._sent.items():
            return SentFrame(number, size_bytes)
        return None

    def answered(self, frame: int, now_s: float) -> None:
        """Unknown frames count nothing."""
        sent_s, size_bytes, before = self._sent.pop(frame, (now_s, 0, 0))
        if not size_bytes:
            return
        self._delivered_bytes += size_bytes
        sample = (self._delivered_bytes - before) / max(now_s - sent_s, 1e-4)
        self.rate_bytes_s = max(sample, self.rate_bytes_s * DECAY)
