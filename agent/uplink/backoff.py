"""How long to wait before the next attempt: exponential, with full jitter. Pure.

The thundering herd after an outage is spread over the whole interval ("full jitter", AWS
Architecture Blog, "Exponential Backoff And Jitter", 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

LONGEST_OBEYED_S: Final = 3_600.0
"""A server that asks for more is asked again after this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Counts failures in a row; a success begins anew with a fresh value."""

    base_s: float = 1.0
    cap_s: float = 60.0
    failures: int = 0

    @property
    def ceiling_s(self) -> float:
        """The longest that the next delay may be, unless the server asks for more."""
        # 2.0**64 is beyond any cap; a larger exponent would overflow after a year offline.
        return min(max(self.base_s, self.cap_s), self.base_s * 2.0 ** min(self.failures + 1, 64))

    def failed(self, *, random: float, retry_after_s: float | None = None) -> tuple[Self, float]:
        """The state after one more failure, and seconds to wait; `random` is 0..1.

        At least `base_s`, at most `cap_s`; not before `retry_after_s`, with up to a tenth more so
        that all who were told the same do not come at once.
        """
        delay_s = self.base_s + random * (self.ceiling_s - self.base_s)
        if retry_after_s is not None:
            asked_s = min(max(0.0, retry_after_s), LONGEST_OBEYED_S)
            delay_s = max(delay_s, asked_s * (1 + 0.1 * random))
        after = type(self)(base_s=self.base_s, cap_s=self.cap_s, failures=self.failures + 1)
        return after, delay_s

    def succeeded(self) -> Self:
        """The state once the link has proved itself."""
        return type(self)(base_s=self.base_s, cap_s=self.cap_s)
