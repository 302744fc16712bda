"""What is read from sockets, and when not: bytes count in the one budget from their arrival on.

While the budget is used up nothing is read: the writer gives bytes back. Where unfinished messages
alone use it up, a few of them are read on, the smallest first, for only finished ones give back. So
the memory of messages is bounded by the budget, `ELDERS` of the largest messages, and one read of
each socket.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from server.ingest.budget import ByteBudget
from server.ingest.patience import Patience

ELDERS: Final = 4
RESUME_SHARE: Final = 0.25
"""So much of the budget must be free before all are read again."""

_log = structlog.get_logger(__name__)


class Reader(Protocol):
    """A connection as the inflow sees it. `unfinished_bytes` are those of a message to come."""

    @property
    def peer(self) -> str: ...

    @property
    def unfinished_bytes(self) -> int: ...

    @property
    def arrived_bytes(self) -> int:
        """All that ever arrived."""

    @property
    def is_read(self) -> bool:
        """Whether more may arrive: we may not read for reasons of the connection's own."""

    def hold_back(self) -> None:
        """Reads no more."""

    def go_on(self) -> None:
        """Reads again."""

    def hang_up(self) -> None:
        """Ends the connection at once; what it holds goes back to the budget."""


@dataclass(slots=True)
class _Mark:
    """How much had arrived when a message was last looked at; None: not since it is read again.

    `size_bytes` is what the message takes by now; `chosen_s` is when it was to be read on.
    """

    arrived_bytes: int
    since_s: float | None
    size_bytes: int = 0
    chosen_s: float = 0.0


class Inflow:
    """Lives on the event loop. Times are its own."""

    def __init__(self, budget: ByteBudget, patience: Patience) -> None:
        self._budget = budget
        self._patience = patience
        self._readers: set[Reader] = set()
        self._unfinished: dict[Reader, _Mark] = {}
        self._unfinished_bytes = 0
        self._elders: dict[Reader, _Mark] = {}
        self._is_short = False
        budget.on_release(self._released)

    @property
    def is_short(self) -> bool:
        """Whether the budget is used up, so that most are not read."""
        return self._is_short

    @property
    def unfinished_bytes(self) -> int:
        """Of all messages that have begun to arrive."""
        return self._unfinished_bytes

    def joined(self, reader: Reader) -> None:
        self._readers.add(reader)
        if self._is_short:
            reader.hold_back()

    def left(self, reader: Reader, held_bytes: int) -> None:
        """The connection is gone, and so is what it held."""
        self._readers.discard(reader)
        self._forget(reader)
        self._budget.release(held_bytes)

    def arrived(self, size_bytes: int) -> None:
        """Bytes came out of a socket."""
        self._budget.take(size_bytes)

    def dealt_with(self, size_bytes: int) -> None:
        """Bytes that became no row: control frames, the HTTP request."""
        if size_bytes:
            self._budget.release(size_bytes)

    def looked_at(self, reader: Reader, now_s: float) -> None:
        """After each arrival: what is unfinished now, and whether to go on reading."""
        if reader.unfinished_bytes:
            mark = self._unfinished.get(reader)
            if mark is None:
                mark = self._unfinished[reader] = _Mark(reader.arrived_bytes, now_s)
            self._unfinished_bytes += reader.unfinished_bytes - mark.size_bytes
            mark.size_bytes = reader.unfinished_bytes
        elif self._forget(reader):
            reader.hold_back()
        if self._is_short:
            self._promote(now_s)
        elif not self._budget.free_bytes:
            self._run_short(now_s)

    def expel(self, now_s: float) -> None:
        """To be called every second or so: hangs up on messages that do not come on."""
        patience = self._patience
        self._expel_elders(now_s)
        if self._is_short:
            self._promote(now_s)
            return
        for reader, mark in list(self._unfinished.items()):
            if mark.since_s is None or not reader.is_read:
                mark.since_s = now_s
            if now_s - mark.since_s < patience.slow_s:
                continue
            if reader.arrived_bytes - mark.arrived_bytes < patience.slow_bytes:
                self._hang_up(reader, "its message comes too slowly")
            else:
                mark.arrived_bytes, mark.since_s = reader.arrived_bytes, now_s

    def _expel_elders(self, now_s: float) -> None:
        for reader, mark in list(self._elders.items()):
            if not reader.is_read or mark.since_s is None:
                self._elders[reader] = _Mark(reader.arrived_bytes, now_s, chosen_s=now_s)
            elif now_s - mark.chosen_s > self._patience.short_s:
                self._hang_up(reader, "memory is short and its message takes long")
            elif reader.arrived_bytes > mark.arrived_bytes:
                mark.arrived_bytes, mark.since_s = reader.arrived_bytes, now_s
            elif now_s - mark.since_s > self._patience.stalled_s:
                self._hang_up(reader, "memory is short and its message stands still")

    def _hang_up(self, reader: Reader, why: str) -> None:
        _log.warning("hung up", peer=reader.peer, reason=why, size_bytes=reader.unfinished_bytes)
        self._forget(reader)
        reader.hang_up()

    def _forget(self, reader: Reader) -> bool:
        """No message of this one is unfinished any more; whether it was an elder."""
        mark = self._unfinished.pop(reader, None)
        if mark is not None:
            self._unfinished_bytes -= mark.size_bytes
        return self._elders.pop(reader, None) is not None

    def _run_short(self, now_s: float) -> None:
        self._is_short = True
        _log.warning("memory for rows is used up: cameras are held back")
        for reader in self._readers:
            reader.hold_back()
        self._promote(now_s)

    def _promote(self, now_s: float) -> None:
        """Lets the smallest unfinished messages be read on, where nothing else frees memory."""
        will_suffice = (1 - RESUME_SHARE) * self._budget.total_bytes
        if len(self._elders) >= ELDERS or self._unfinished_bytes <= will_suffice:
            return
        others = (each for each in self._unfinished if each not in self._elders)
        missing = ELDERS - len(self._elders)
        for reader in heapq.nsmallest(missing, others, key=lambda each: each.unfinished_bytes):
            self._elders[reader] = _Mark(reader.arrived_bytes, now_s, chosen_s=now_s)
            reader.go_on()

    def _released(self) -> None:
        if not self._is_short:
            return
        if self._budget.free_bytes < RESUME_SHARE * self._budget.total_bytes:
            return
        self._is_short = False
        self._elders.clear()
        for reader, mark in self._unfinished.items():  # being held back was our own doing
            mark.arrived_bytes, mark.since_s = reader.arrived_bytes, None
        for reader in self._readers:
            reader.go_on()
