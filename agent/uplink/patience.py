"""What is remembered of rows from one connection to the next: delays, and who ended connections.

A row on which a server hangs or breaks must not hold up the others: it is put off with growing
delay. Where several were in flight, the rows that saw two such ends go one by one, so that the
culprit is found. Lives on the event loop but for `put_off`, which is the intake's alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from agent.delivery import RowKey
from agent.uplink.backoff import Backoff
from agent.uplink.intake import PutOff

FIRST_DELAY_S: Final = 5.0
LONGEST_DELAY_S: Final = 900.0
ENDS: Final = 2
"""A connection may break by chance with any row in flight; hardly twice in the same way."""


class Patience:
    """One for each sender, for as long as it runs. Holds only rows that are in trouble."""

    def __init__(self) -> None:
        self.put_off: dict[RowKey, PutOff] = {}
        self.culprits: set[RowKey] = set()
        self._attempts: dict[RowKey, Backoff] = {}
        self._answers: dict[RowKey, int] = {}
        self._ends: Counter[RowKey] = Counter()

    def next_delay_s(
        self,
        key: RowKey,
        *,
        random: float,
        base_s: float = FIRST_DELAY_S,
        cap_s: float = LONGEST_DELAY_S,
        retry_after_s: float | None = None,
    ) -> float:
        """How long to put the row off now; longer with each time."""
        before = self._attempts.get(key, Backoff())
        grown = Backoff(base_s=base_s, cap_s=cap_s, failures=before.failures)
        self._attempts[key], delay_s = grown.failed(random=random, retry_after_s=retry_after_s)
        return delay_s

    def others_passed(self, key: RowKey, answers: int) -> bool:
        """Whether the server has answered since this was asked last: then line and server work."""
        before = self._answers.get(key)
        self._answers[key] = answers
        return before is not None and answers > before

    def blame(self, key: RowKey) -> None:
        """The row alone was in flight when a connection broke."""
        self.culprits.add(key)
        self._ends.pop(key, None)

    def suspect(self, keys: Iterable[RowKey]) -> None:
        """One of these rows broke the connection."""
        self._ends.update(keys)

    def is_suspect(self, key: RowKey) -> bool:
        """Whether the row must be the only one in flight."""
        return key in self.culprits or self._ends[key] >= ENDS

    @property
    def is_calm(self) -> bool:
        """Whether no row is in trouble: nothing is suspected, nothing to forget."""
        return not (self._attempts or self._ends or self.culprits)

    def answered(self, keys: Iterable[RowKey]) -> None:
        """The server dealt with these rows: they broke nothing."""
        for key in () if self.is_calm else keys:
            self._ends.pop(key, None)
            self.culprits.discard(key)

    def settled(self, keys: Iterable[RowKey]) -> None:
        """The rows are done with."""
        for key in () if self.is_calm else keys:
            self._attempts.pop(key, None)
            self._answers.pop(key, None)
            self._ends.pop(key, None)
            self.culprits.discard(key)
