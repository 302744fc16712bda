"""Wrong passwords cost time: after a few, an address waits before it may try again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FREE_FAILURES: Final = 5
FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 900.0
FORGOTTEN_AFTER_S: Final = 3600.0
MOST_ADDRESSES: Final = 1024
"""Beyond these the one that failed longest ago is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failures:
    count: int
    last_s: float

    def may_try_at_s(self, free_failures: int, longest_wait_s: float) -> float:
        beyond = self.count - free_failures
        if beyond < 0:
            return self.last_s
        return self.last_s + min(FIRST_WAIT_S * 2.0 ** min(beyond, 10), longest_wait_s)


class Lockout:
    """`now_s` is monotonic; of `free_failures` none costs time."""

    def __init__(
        self, *, free_failures: int = FREE_FAILURES, longest_wait_s: float = LONGEST_WAIT_S
    ) -> None:
        self._free_failures = free_failures
        self._longest_wait_s = longest_wait_s
        self._failures: dict[str, _Failures] = {}

    def wait_s(self, address: str, now_s: float) -> float:
        """Seconds until this address may try again; 0 where it may now."""
        known = self._failures.get(address)
        if known is None:
            return 0.0
        return max(0.0, known.may_try_at_s(self._free_failures, self._longest_wait_s) - now_s)

    def failed(self, address: str, now_s: float) -> int:
        """Counts it; how many in a row that are."""
        known = self._failures.pop(address, None)
        if known is not None and now_s - known.last_s > FORGOTTEN_AFTER_S:
            known = None
        count = known.count + 1 if known else 1
        self.recall(address, count=count, last_s=now_s)
        return count

    def recall(self, address: str, *, count: int, last_s: float) -> None:
        """So many failures in a row, the last of them at `last_s`, as they were known before."""
        if len(self._failures) >= MOST_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        self._failures[address] = _Failures(count=count, last_s=last_s)

    def succeeded(self, address: str) -> bool:
        """Forgives; whether there was anything to forgive."""
        return self._failures.pop(address, None) is not None
