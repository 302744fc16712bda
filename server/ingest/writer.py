"""Group commits: the rows of all connections wait in one queue and share a transaction.

An outcome is known only after the commit; nothing is ever acknowledged before.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from server.errors import GroupRefused, StorageUnavailable
from server.ingest.budget import ByteBudget
from server.ingest.meter import IngestMeter
from server.ingest.stats import Counters
from server.storage.protocol import Conflict, Outcome, RowStore, Stored
from telemetry.tracing import RowTracer, wall_ns
from wire.accepted import AcceptedRow
from wire.errors import ErrorCode

GROUP_ROWS: Final = 2048
GROUP_BYTES: Final = 16 * 1024 * 1024
MOST_IDS: Final = 16
"""Of a larger group (a backlog) the log names the first row and the last."""
ROW_COST_BYTES: Final = 512
"""What a small row takes in memory beyond its bytes on the wire, measured."""
_REFUSED_RETRY_S: Final = 60.0
_RESTART_S: Final = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NotStored:
    """The row is not on disk; sent again later, unchanged, it may be."""

    code: ErrorCode
    message: str
    retry_after_s: float


RowOutcome = Stored | Conflict | NotStored


@dataclass(frozen=True, slots=True)
class _Waiting:
    rows: Sequence[AcceptedRow]
    held_bytes: int
    outcomes: asyncio.Future[list[RowOutcome]]
    read_at_s: float


class _Line:
    """Those who wait to be committed, in order."""

    def __init__(self) -> None:
        self.in_hand: list[_Waiting] = []
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._is_closed = False
        self._began_at_s = 0.0

    @property
    def left(self) -> list[_Waiting]:
        """All who are not through, whether waiting or in hand."""
        return [*self.in_hand, *self._queue]

    @property
    def still_s(self) -> float:
        return time.monotonic() - self._began_at_s if self.in_hand else 0.0

    def add(self, waiting: _Waiting) -> None:
        self._queue.append(waiting)
        self._wake.set()

    def close(self) -> None:
        """Nobody joins any more: `next_group` ends with those who are there."""
        self._is_closed = True
        self._wake.set()

    async def next_group(self) -> list[_Waiting]:
        """Takes the next into hand, as many as a group may have; none: all is done."""
        self.in_hand = []
        while not self._queue and not self._is_closed:
            self._wake.clear()
            await self._wake.wait()
        self._began_at_s = time.monotonic()
        count = size = 0
        while self._queue and count < GROUP_ROWS and size < GROUP_BYTES:
            waiting = self._queue.popleft()
            self.in_hand.append(waiting)
            count += len(waiting.rows)
            size += waiting.held_bytes
        return self.in_hand


class GroupWriter:
    """The one place that calls the store to keep rows.

    The queue needs no bound of its own: its rows count in the budget.
    """

    def __init__(
        self,
        store: RowStore,
        budget: ByteBudget,
        counters: Counters,
        *,
        now: Callable[[], datetime],
        meter: IngestMeter | None = None,
        committed: Callable[[], None] | None = None,
        tracer: RowTracer | None = None,
    ) -> None:
        """`meter` is told of each group, where somebody looks at figures; `committed` is called
        when new rows are on disk; `tracer` is told of rows whose camera traces."""
        self._committed = committed
        self._store = store
        self._budget = budget
        self._counters = counters
        self._now = now
        self._meter = meter
        self._tracer = tracer
        self._line = _Line()
        self._is_stopping = False
        self.trouble: str | None = None

    def submit(
        self, rows: Sequence[AcceptedRow], held_bytes: int
    ) -> asyncio.Future[list[RowOutcome]]:
        """Queues rows; the future gives an outcome for each, in order. It never raises.

        `held_bytes`, which the caller took from the budget, go back to it when the outcomes are
        known; until then each row takes `ROW_COST_BYTES` more.
        """
        outcomes: asyncio.Future[list[RowOutcome]] = asyncio.get_running_loop().create_future()
        rows_bytes = len(rows) * ROW_COST_BYTES
        self._budget.take(rows_bytes)
        waiting = _Waiting(rows, held_bytes + rows_bytes, outcomes, time.monotonic())
        if self._is_stopping:
            self._abandon([waiting])
        else:
            self._line.add(waiting)
        return outcomes

    async def run(self) -> None:
        """Commits groups until `stop` was called and everything is dealt with."""
        try:
            while group := await self._line.next_group():
                await self._commit(group)
        finally:
            self._is_stopping = True
            self._abandon(self._line.left)

    @property
    def waiting_rows(self) -> int:
        """Rows that were submitted and have no outcome yet."""
        return sum(len(waiting.rows) for waiting in self._line.left)

    @property
    def still_s(self) -> float:
        """Seconds for which the group in hand has been so; 0 where there is none."""
        return self._line.still_s

    def stop(self) -> None:
        """Ends `run` once everything submitted has its outcome; takes nothing more."""
        self._is_stopping = True
        self._line.close()

    def _abandon(self, group: Sequence[_Waiting]) -> None:
        """Nobody commits these any more; the cameras keep them."""
        for waiting in group:
            if not waiting.outcomes.done():
                late = NotStored(ErrorCode.SHUTTING_DOWN, "the server is stopping", _RESTART_S)
                waiting.outcomes.set_result([late] * len(waiting.rows))
                self._budget.release(waiting.held_bytes)

    async def _commit(self, group: list[_Waiting]) -> None:
        rows = [row for waiting in group for row in waiting.rows]
        began_at_s = time.monotonic()
        outcomes = await self._store_rows(rows)
        new_count = self._report(rows, outcomes)
        if self._tracer is not None:
            _trace(self._tracer, group, outcomes, began_at_s)
        if self._meter is not None:
            ended_at_s = time.monotonic()
            fresh = rows if new_count == len(rows) else _new_of(rows, outcomes)
            self._meter.committed(len(rows), fresh, seconds=ended_at_s - began_at_s)
            for waiting in group:
                self._meter.waited(ended_at_s - waiting.read_at_s, rows=len(waiting.rows))
        if new_count and self._committed is not None:
            self._committed()
        start = 0
        for waiting in group:
            end = start + len(waiting.rows)
            if not waiting.outcomes.done():
                waiting.outcomes.set_result(outcomes[start:end])
            start = end
            self._budget.release(waiting.held_bytes)

    async def _store_rows(self, rows: Sequence[AcceptedRow]) -> list[RowOutcome]:
        """Stores what can be stored: a group with a bad row is halved until that row is alone."""
        try:
            outcomes: list[Outcome] = await self._store.commit_group(rows, self._now())
        except StorageUnavailable as error:
            self._note_trouble(str(error))
            return [NotStored(error.code, str(error), error.retry_after_s)] * len(rows)
        except GroupRefused as error:
            if len(rows) > 1:
                middle = len(rows) // 2
                return [
                    *await self._store_rows(rows[:middle]),
                    *await self._store_rows(rows[middle:]),
                ]
            _log.error("row cannot be stored", row_id=rows[0].id, reason=str(error))
            return [NotStored(ErrorCode.STORAGE_FAILED, str(error), _REFUSED_RETRY_S)]
        self._note_trouble(None)
        return list(outcomes)

    def _note_trouble(self, trouble: str | None) -> None:
        if trouble is not None and self.trouble is None:
            _log.error("rows cannot be stored; cameras keep them and try again", reason=trouble)
        if trouble is None and self.trouble is not None:
            _log.info("rows can be stored again")
        self.trouble = trouble

    def _report(self, rows: Sequence[AcceptedRow], outcomes: Sequence[RowOutcome]) -> int:
        """Counts and logs them; how many of the rows are new."""
        stored = [each for each in outcomes if isinstance(each, Stored)]
        duplicates = sum(each.is_duplicate for each in stored)
        self._counters.rows_received += len(stored)
        self._counters.messages_processed += len(stored)
        self._counters.duplicates += duplicates
        if len(stored) < len(outcomes):
            for outcome in outcomes:
                if isinstance(outcome, NotStored):
                    self._counters.refuse(outcome.code)
                elif isinstance(outcome, Conflict):
                    self._counters.refuse(ErrorCode.ID_CONFLICT)
        if stored:
            count = len(stored)
            _log.info(
                f"SUCCESS stored {count} row{'' if count == 1 else 's'}",
                duplicates=duplicates,
                **_named(rows, outcomes),
            )
        return len(stored) - duplicates


def _new_of(rows: Sequence[AcceptedRow], outcomes: Sequence[RowOutcome]) -> list[AcceptedRow]:
    """Those that were stored now, not before."""
    return [
        row
        for row, outcome in zip(rows, outcomes, strict=True)
        if isinstance(outcome, Stored) and not outcome.is_duplicate
    ]


def _named(rows: Sequence[AcceptedRow], outcomes: Sequence[RowOutcome]) -> dict[str, str]:
    """The ids of those that are stored, for the log: of a large group where it begins and ends."""
    stored = (row.id for row, each in zip(rows, outcomes, strict=True) if isinstance(each, Stored))
    if len(rows) <= MOST_IDS:
        return {"event_ids": " ".join(stored)}
    backwards = zip(reversed(rows), reversed(outcomes), strict=True)
    last = next(row.id for row, each in backwards if isinstance(each, Stored))
    return {"first_id": next(stored), "last_id": last}


def _trace(
    tracer: RowTracer,
    group: Sequence[_Waiting],
    outcomes: Sequence[RowOutcome],
    began_at_s: float,
) -> None:
    """For each row whose camera began a trace: from being read to its outcome, and the commit."""
    began_ns, ended_ns = wall_ns(began_at_s), wall_ns(time.monotonic())
    pairs = ((waiting, row) for waiting in group for row in waiting.rows)
    for (waiting, row), outcome in zip(pairs, outcomes, strict=True):
        context = row.row.trace
        if context is None:
            continue
        facts: dict[str, object] = {"row.id": row.id, "device.id": row.device_id}
        if isinstance(outcome, Stored):
            facts |= {"record.id": outcome.record_id, "row.duplicate": outcome.is_duplicate}
        else:
            facts |= {"refused": type(outcome).__name__}
        ingest = tracer.child(context, "ingest", wall_ns(waiting.read_at_s), ended_ns, facts)
        tracer.child(ingest, "commit", began_ns, ended_ns, {"group.rows": len(outcomes)})
