"""Takes waiting rows out of the store, in the order of the lanes, ready to be sent.

Lives in the sender's one thread. Knows which rows are out (in flight or put off), so that none
is sent twice over one connection. One intake serves one connection.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from agent.delivery import (
    DeliveryStore,
    OutboxCounts,
    RowKey,
    RowRefused,
    ServerHolds,
    Settlement,
    WaitingRow,
)
from agent.errors import OutboxError
from agent.uplink.lanes import Lane, Stream, Turn, next_turn, streams_of
from agent.uplink.message import PreparedRow, RowEncoder, given_up, without_hash
from wire.watchlist import WholeWatchlist

log = structlog.get_logger(__name__)

BATCH_ROWS: Final = 256
SCAN_WHILE_OUT: Final = 2_000
"""With more rows out than this, looking over all that waits is put off: it would skip them all.
What is fresh is looked for all the same."""


class Batch(NamedTuple):
    """Rows to send next. `next_due_s`: when a row that was put off is to be taken, if any.

    `is_last`: nothing else waits that could go now.
    """

    rows: list[PreparedRow]
    next_due_s: float | None
    is_last: bool


class PutOff(NamedTuple):
    """A row to be sent again, not before `due_s`."""

    due_s: float
    key: RowKey
    alone: bool = False


@dataclass(slots=True, kw_only=True)
class _Source:
    """How far a stream has been read."""

    first_id: int
    up_to_id: int | None
    cursor: int
    buffer: deque[WaitingRow] = field(default_factory=deque)
    is_dry: bool = False

    def rewind(self) -> None:
        self.cursor = self.first_id
        self.buffer.clear()
        self.is_dry = False


class Intake:
    """Blocking. `now_s` is monotonic."""

    def __init__(
        self,
        store: DeliveryStore,
        encoder: RowEncoder,
        *,
        put_off: dict[RowKey, PutOff],
        check_interval_s: float,
        now_s: float,
    ) -> None:
        """`put_off` holds what earlier connections put off, and is kept up for the next ones."""
        self._store = store
        self._encoder = encoder
        self._check_interval_s = check_interval_s
        self._checked_s = now_s
        self._version = store.data_version()
        self._remembered = put_off
        self._put_off = [row for row in put_off.values() if row.key.table in encoder.tables]
        heapq.heapify(self._put_off)
        self._out: set[RowKey] = {row.key for row in self._put_off}
        newest = store.newest()
        self._sources: dict[Stream, _Source] = {}
        for stream in streams_of(encoder.tables):
            boundary = newest[stream.table]
            first_id = 0 if stream.lane in (Lane.BACKLOG, Lane.WATCHED) else boundary
            up_to_id = boundary if stream.lane is Lane.BACKLOG else None
            self._sources[stream] = _Source(first_id=first_id, up_to_id=up_to_id, cursor=first_id)

    def take(
        self,
        *,
        rows: int,
        size_bytes: int,
        max_row_bytes: int,
        woken: bool,
        now_s: float,
        fresh_only: bool = False,
    ) -> Batch:
        """Up to so many rows; stops with the row that reaches `size_bytes`.

        `woken` says that rows were committed. A row beyond `max_row_bytes` goes with a smaller
        picture, then without. `fresh_only` leaves the backlog where it is.
        """
        self._look_for_more(woken=woken, now_s=now_s)
        taken: list[PreparedRow] = []
        size = 0
        for row, lane, alone in self._ready(now_s, fresh_only=fresh_only):
            try:
                content = self._content(row, max_row_bytes)
            except OutboxError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever one row does, the others go on
                self._set_aside(row.key, error)
                continue
            prepared = PreparedRow(row.key, row.row.id, content, lane, alone)
            taken.append(prepared)
            size += len(prepared.content)
            if len(taken) >= rows or size >= size_bytes:
                is_last = False
                break
        else:
            is_last = not fresh_only
        return Batch(taken, self._put_off[0].due_s if self._put_off else None, is_last)

    def settle(self, settlement: Settlement) -> OutboxCounts:
        """Writes what became of rows and forgets them; the books after it."""
        if settlement.acknowledged or settlement.refused:
            self._store.settle(settlement)
            self._out.difference_update(settlement.acknowledged)
            self._out.difference_update(refused.key for refused in settlement.refused)
        return self._store.counts()

    def put_off(self, rows: Iterable[PutOff]) -> None:
        """Rows to be taken again later; they stay out until then."""
        for row in rows:
            heapq.heappush(self._put_off, row)
            self._remembered[row.key] = row

    def note_failure(self, key: RowKey, error: str, *, delay_s: float) -> float:
        """See `DeliveryStore.note_failure`."""
        return self._store.note_failure(key, error, delay_s=delay_s)

    def counts(self) -> OutboxCounts:
        return self._store.counts()

    def resend_missing(self, server: ServerHolds) -> int:
        """See `DeliveryStore.resend_missing`; before anything is taken."""
        return self._store.resend_missing(server)

    def keep_watchlist(self, whole: WholeWatchlist) -> None:
        """See `DeliveryStore.keep_watchlist`."""
        self._store.keep_watchlist(whole)

    def _set_aside(self, key: RowKey, error: Exception) -> None:
        log.error("a row cannot be sent and is set aside", row=key, error=repr(error))
        said = f"the row could not be made ready here, it was never sent: {error!r}"
        self.settle(Settlement(refused=[RowRefused(key=key, error=said)]))

    def _look_for_more(self, *, woken: bool, now_s: float) -> None:
        """Fresh rows when told; everything when another connection committed, now and then."""
        if woken:
            self._look_for_fresh()
        if now_s - self._checked_s < self._check_interval_s:
            return
        self._checked_s = now_s
        version = self._store.data_version()
        if version == self._version:
            return
        if len(self._out) > SCAN_WHILE_OUT:
            self._look_for_fresh()
            return
        self._version = version
        for source in self._sources.values():
            if source.is_dry:
                source.rewind()

    def _look_for_fresh(self) -> None:
        """From where each stream was read to: rows that came since."""
        for stream, source in self._sources.items():
            if stream.lane is not Lane.BACKLOG:
                source.is_dry = False

    def _ready(self, now_s: float, *, fresh_only: bool) -> Iterator[tuple[WaitingRow, Lane, bool]]:
        """Rows that may go now, each with whether alone: delays that are over, then the lanes."""
        while self._put_off and self._put_off[0].due_s <= now_s:
            put_off = heapq.heappop(self._put_off)
            self._remembered.pop(put_off.key, None)
            row = self._again(put_off.key)
            if row is not None:
                yield row, Lane.BACKLOG, put_off.alone
        last = Lane.FRESH_REPORTS if fresh_only else Lane.BACKLOG
        while (turn := self._turn(last)) is not None:
            (lane, _), until = turn
            buffer = self._sources[turn.stream].buffer
            yield self._out_of(buffer), lane, False
            while buffer and (until is None or buffer[0].row.captured_at <= until):
                yield self._out_of(buffer), lane, False

    def _out_of(self, buffer: deque[WaitingRow]) -> WaitingRow:
        row = buffer.popleft()
        self._out.add(row.key)
        return row

    def _turn(self, last: Lane) -> Turn | None:
        heads: dict[Stream, datetime] = {}
        for stream, source in self._sources.items():
            if stream.lane > last:
                continue
            self._refill(stream, source)
            if source.buffer:
                heads[stream] = source.buffer[0].row.captured_at
        return next_turn(heads)

    def _refill(self, stream: Stream, source: _Source) -> None:
        while not source.buffer and not source.is_dry:
            found = self._store.waiting(
                stream.table,
                after_id=source.cursor,
                up_to_id=source.up_to_id,
                limit=BATCH_ROWS,
                watched=stream.lane is Lane.WATCHED,
            )
            if found:
                source.cursor = found[-1].key.row_id
            source.is_dry = len(found) < BATCH_ROWS
            source.buffer.extend(row for row in found if row.key not in self._out)

    def _again(self, key: RowKey) -> WaitingRow | None:
        """A row that was put off, as it is now; None where somebody settled or deleted it."""
        found = self._store.waiting(
            key.table, after_id=key.row_id - 1, up_to_id=key.row_id, limit=1
        )
        if not found:
            self._out.discard(key)
            return None
        return found[0]

    def _content(self, row: WaitingRow, max_row_bytes: int) -> bytes:
        picture = self._store.read_picture(row)
        content = self._encoder.encode(row, picture)
        if len(content) > max_row_bytes and picture is not None:
            smaller = self._store.read_picture(row, small=True)
            content = self._encoder.encode(without_hash(row), smaller)
            if len(content) > max_row_bytes:
                content = self._encoder.encode(given_up(row), None)
        return content
