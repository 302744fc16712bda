"""One `sightpost.v1` connection: rows out as credit and line allow, flags written as acks come.

Four tasks: sending, receiving, settling, watching for a dead line. Ends by returning (stopped, or
nothing is left and it was told to finish then) or by LinkFailed.
"""

from __future__ import annotations

import asyncio
from typing import Final

from websockets.asyncio.client import ClientConnection

from agent.delivery import RowKey, RowRefused
from agent.uplink.context import ExchangeContext
from agent.uplink.dial import reason_of
from agent.uplink.framing import ENVELOPE_BYTES, next_frame
from agent.uplink.greeting import holdings, welcomed
from agent.uplink.intake import Batch, Intake, PutOff
from agent.uplink.link import LinkFailed, LinkFailure
from agent.uplink.liveness import Liveness, Waiting, answer_patience_s
from agent.uplink.message import PreparedRow
from agent.uplink.outcomes import Outcomes
from agent.uplink.pacing import send_frame
from agent.uplink.racing import first_set
from agent.uplink.ready import Ready
from agent.uplink.send_queue import queued_bytes
from agent.uplink.window import Window
from agent.uplink.worker import done
from wire.client_session import (
    ClientEvent,
    ClientSession,
    EncodedRow,
    FrameRefused,
    RowsAnswered,
)
from wire.errors import PeerMisbehaved
from wire.v1 import RowResult
from wire.watchlist import WholeWatchlist

BATCH_ROWS: Final = 1024
BATCH_BYTES: Final = 524_288
FIRST_RETRY_S: Final = 1.0
SETTLED_AT_ONCE: Final = 64
GATHER_S: Final = 0.02
"""While more answers are on their way, flags wait so long to share a transaction."""
ID_CONFLICT: Final = "id_conflict"


class V1Exchange:
    """Serves one connection, once. `now_s` is monotonic, `random` gives 0..1."""

    def __init__(
        self,
        connection: ClientConnection,
        session: ClientSession,
        intake: Intake,
        context: ExchangeContext,
    ) -> None:
        self._connection = connection
        self._session = session
        self._intake = intake
        self._context = context
        self._settings = context.settings
        self._progress = context.progress
        self._now_s = context.now_s
        self._window = Window(cap_bytes_s=context.pace.bytes_s)
        self._being_sent: int | None = None
        self._liveness = Liveness(dead_after_s=self._settings.dead_after_s, now_s=self._now_s())
        self._in_flight: dict[str, RowKey] = {}
        self._patience = context.patience
        self._alone: str | None = None
        self._oldest = Waiting()
        self._outcomes = Outcomes()
        self._answered = asyncio.Event()
        self._to_settle = asyncio.Event()
        self._settling = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._fetch: asyncio.Future[Batch] | None = None
        self._is_dry = False

    async def greet(self) -> None:
        """Says hello and hears welcome; raises LinkFailed."""
        welcome = await welcomed(
            self._connection, self._session, timeout_s=self._settings.answer_timeout_s
        )
        self._liveness.heard(self._now_s())
        self._progress.heard_time(welcome.time)
        self._progress.credit = self._session.credit
        server = holdings(welcome)
        if server is not None:
            await self._context.worker.run(self._intake.resend_missing, server)

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until `stop`; rows in flight are then waited for, a moment."""
        try:
            async with asyncio.TaskGroup() as group:
                background = [
                    group.create_task(self._keep_receiving()),
                    group.create_task(self._keep_settling()),
                    group.create_task(self._watch()),
                    group.create_task(self._heed(stop)),
                ]
                await self._keep_sending()
                await self._drain()
                await self._settle()
                for task in background:
                    task.cancel()
        except BaseExceptionGroup as group:
            reason = reason_of(group)
            self._note_end(reason)
            raise reason from group
        finally:
            if self._fetch is not None:
                self._fetch.cancel()
            self._progress.in_flight = 0
            self._progress.credit = None
            await self._settle()

    async def _heed(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping.set()
        self._answered.set()

    async def _keep_sending(self) -> None:
        ready = Ready()
        while not self._stopping.is_set():
            self._fetch_ahead(ready)
            if not ready.rows or (self._fetch is not None and self._fetch.done()):
                batch = await self._fetched()
                ready.add(batch.rows)
                if not ready.rows and batch.is_last:
                    if self._is_finished(batch):
                        return
                    await self._idle(batch)
                continue
            rows = self._frame_of(ready)
            if rows:
                await self._send(rows)
            else:
                self._answered.clear()
                await first_set(self._answered, self._stopping, timeout_s=None)

    def _fetch_ahead(self, ready: Ready) -> None:
        """Reads while the line is busy: more when little is ready, what is fresh at any time."""
        if self._fetch is not None:
            return
        is_low = ready.size_bytes < self._read_ahead_bytes // 2
        if not ready.rows or (is_low and not self._is_dry):
            self._fetch = self._start_fetch(fresh_only=False)
        elif self._context.wake.is_set() and ready.size_bytes < 2 * self._read_ahead_bytes:
            self._fetch = self._start_fetch(fresh_only=True)

    @property
    def _read_ahead_bytes(self) -> int:
        return min(BATCH_BYTES, self._window.limit_bytes)

    def _start_fetch(self, *, fresh_only: bool) -> asyncio.Future[Batch]:
        woken = self._context.wake.is_set()
        self._context.wake.clear()
        return self._context.worker.start(
            self._intake.take,
            rows=BATCH_ROWS,
            size_bytes=self._read_ahead_bytes,
            max_row_bytes=self._session.max_frame_bytes - ENVELOPE_BYTES,
            woken=woken,
            now_s=self._now_s(),
            fresh_only=fresh_only,
        )

    async def _fetched(self) -> Batch:
        """The batch that is being read; `_fetch_ahead` has begun it."""
        fetch = self._fetch or self._start_fetch(fresh_only=False)
        self._fetch = None
        batch = await done(fetch)
        self._is_dry = batch.is_last
        if self._patience.is_calm:
            return batch
        is_suspect = self._patience.is_suspect
        rows = [row._replace(alone=row.alone or is_suspect(row.key)) for row in batch.rows]
        return batch._replace(rows=rows)

    def _is_finished(self, batch: Batch) -> bool:
        busy = self._in_flight or self._outcomes or batch.next_due_s is not None
        return self._context.until_empty and not busy

    async def _idle(self, batch: Batch) -> None:
        """Until a commit, an answer, a delay's end, or the time to look at the database again."""
        timeout_s = self._settings.check_interval_s
        if batch.next_due_s is not None:
            timeout_s = min(timeout_s, max(0.0, batch.next_due_s - self._now_s()))
        self._answered.clear()
        events = [self._context.wake, self._stopping]
        if self._context.until_empty:
            events.append(self._answered)
        await first_set(*events, timeout_s=timeout_s)

    def _frame_of(self, ready: Ready) -> list[PreparedRow]:
        """Rows for the next frame, as room, line and server allow; none: wait for an answer.

        A row that goes alone is the only one in flight, so that what becomes of it is its own.
        """
        if self._alone in self._in_flight or (ready.rows[0].alone and self._in_flight):
            return []
        room = self._session.room()
        return next_frame(
            ready,
            most_rows=min(room.rows, self._session.max_frame_rows),
            bytes_left=min(room.bytes, self._window.limit_bytes - self._session.bytes_in_flight),
            target_bytes=min(self._window.frame_bytes, self._session.max_frame_bytes)
            - ENVELOPE_BYTES,
            is_first_of_all=not self._session.rows_in_flight,
        )

    async def _send(self, rows: list[PreparedRow]) -> None:
        content = self._session.send([EncodedRow(row.id, row.content) for row in rows])
        self._in_flight.update((row.id, row.key) for row in rows)
        self._context.trail.sent([row.id for row in rows])
        self._alone = rows[0].id if rows[0].alone else None
        self._progress.in_flight = len(self._in_flight)
        self._window.sent(self._session.frames_sent, len(content), self._now_s())
        self._being_sent = self._session.frames_sent
        await send_frame(
            self._connection,
            content,
            piece_bytes=self._window.fragment_bytes,
            pace=self._context.pace,
            now_s=self._now_s,
            note=self._liveness.sent,
        )
        self._being_sent = None

    async def _drain(self) -> None:
        """Once nothing more is sent: the answers to what is in flight. The caller has a limit."""
        while self._in_flight:
            self._answered.clear()
            await first_set(self._answered, timeout_s=None)

    async def _receive(self) -> ClientEvent | None:
        content = await self._connection.recv(decode=False)
        self._liveness.heard(self._now_s())
        try:
            return self._session.receive(content)
        except PeerMisbehaved as error:
            raise LinkFailed(LinkFailure.PROTOCOL, str(error)) from error

    async def _keep_receiving(self) -> None:
        while True:
            event = await self._receive()
            if isinstance(event, RowsAnswered):
                self._window.answered(event.frame, self._now_s())
                self._note_results(event)
            elif isinstance(event, FrameRefused):
                self._window.answered(event.frame, self._now_s())
                self._note_refusal(event)
            elif isinstance(event, WholeWatchlist):
                await self._context.worker.run(self._intake.keep_watchlist, event)
            self._progress.in_flight = len(self._in_flight)
            self._answered.set()
            self._to_settle.set()

    def _note_results(self, event: RowsAnswered) -> None:
        self._progress.answers += 1
        self._progress.credit = self._session.credit
        self._outcomes.heard(event.rows_stored)
        for result in event.results:
            key = self._in_flight.pop(result.id, None)
            if key is None:
                continue  # named twice in one answer
            self._patience.answered((key,))
            if result.success:
                self._outcomes.acknowledged.append(key)
                self._progress.duplicates += result.duplicate
                self._context.trail.acknowledged(
                    result.id, key.table, is_duplicate=result.duplicate
                )
            else:
                self._note_failure(key, result)
        refused = [each.id for each in event.results if not each.success]
        self._context.trail.not_taken([*refused, *event.unanswered])
        for row_id in event.unanswered:
            self._put_off(self._in_flight.pop(row_id), None)

    def _note_failure(self, key: RowKey, result: RowResult) -> None:
        said = f"{result.code or 'refused'}: {result.message or 'the server gave no reason'}"
        self._progress.last_error = said
        if result.retry:
            self._put_off(key, result.retry_after_s)
        else:
            is_id_known = result.code == ID_CONFLICT
            self._outcomes.refused.append(RowRefused(key=key, error=said, is_id_known=is_id_known))

    def _note_refusal(self, event: FrameRefused) -> None:
        """A frame of one row shows the culprit; the rows of a larger one go again one by one."""
        refusal = event.refusal
        said = f"{refusal.code}: {refusal.message}"
        self._progress.last_error = said
        keys = [self._in_flight.pop(row_id) for row_id in event.ids]
        self._context.trail.not_taken(event.ids)
        self._patience.answered(keys)
        if refusal.retry:
            for key in keys:
                self._put_off(key, refusal.retry_after_s)
        elif len(keys) == 1:
            self._outcomes.refused.append(RowRefused(key=keys[0], error=said))
        else:
            now_s = self._now_s()
            self._outcomes.put_off += [PutOff(now_s, key, alone=True) for key in keys]

    def _put_off(self, key: RowKey, retry_after_s: float | None) -> None:
        delay_s = self._patience.next_delay_s(
            key,
            random=self._context.random(),
            base_s=FIRST_RETRY_S,
            cap_s=self._settings.backoff_max_s,
            retry_after_s=retry_after_s,
        )
        self._outcomes.put_off.append(PutOff(self._now_s() + delay_s, key))

    def _note_end(self, reason: BaseException) -> None:
        """What the end of the connection says of the rows in flight."""
        if not isinstance(reason, LinkFailed) or not reason.blames_rows:
            return
        keys = list(self._in_flight.values())
        if len(keys) != 1:
            self._patience.suspect(keys)
            return
        (key,) = keys
        said = f"the connection ended with this row: {reason.detail}"
        self._progress.last_error = said
        self._patience.blame(key)
        delay_s = self._patience.next_delay_s(key, random=self._context.random())
        self._outcomes.blamed.append((key, said))
        self._outcomes.put_off.append(PutOff(self._now_s() + delay_s, key, alone=True))

    async def _keep_settling(self) -> None:
        while True:
            await self._to_settle.wait()
            if self._in_flight and len(self._outcomes.acknowledged) < SETTLED_AT_ONCE:
                await asyncio.sleep(GATHER_S)
            self._to_settle.clear()
            await self._settle()

    async def _settle(self) -> None:
        """Writes all that is known by now in one transaction; waits for one that is under way."""
        async with self._settling:
            outcomes, self._outcomes = self._outcomes, Outcomes()
            if not outcomes:
                return
            if not self._patience.is_calm:
                self._patience.settled(outcomes.settled())
            # Shielded: what the server said is written even when the connection ends right now.
            writing = self._context.worker.start(outcomes.write, self._intake)
            self._progress.counts = await done(asyncio.shield(writing))
            self._context.trail.settled()
        self._answered.set()
        self._progress.tell()

    async def _watch(self) -> None:
        """Pings, and ends the connection when neither bytes nor pongs move, or no answer comes."""
        interval_s = self._settings.ping_interval_s
        while True:
            await asyncio.sleep(interval_s)
            try:
                async with asyncio.timeout(interval_s):
                    pong = await self._connection.ping()
                asyncio.ensure_future(pong).add_done_callback(self._note_pong)
            except TimeoutError:
                pass  # the line is full; what it carries is looked at now
            now_s = self._now_s()
            queued = queued_bytes(self._connection)
            self._liveness.observed(queued, now_s)
            self._check_answers(queued, now_s)
            if self._liveness.is_dead(now_s):
                silence_s = self._settings.dead_after_s
                raise LinkFailed(LinkFailure.TIMEOUT, f"nothing has moved for {silence_s:g} s")

    def _check_answers(self, queued: int, now_s: float) -> None:
        """Raises LinkFailed where the server has all of the oldest frame and says nothing."""
        frame = self._window.oldest()
        if frame is None:
            return
        is_gone = queued == 0 and frame.number != self._being_sent
        patience_s = answer_patience_s(
            frame.size_bytes,
            rate_bytes_s=self._window.rate_bytes_s,
            least_s=self._settings.answer_timeout_s,
        )
        if self._oldest.seen(frame.number, is_gone=is_gone, now_s=now_s) > patience_s:
            said = f"the server did not answer rows for {patience_s:.0f} s"
            raise LinkFailed(LinkFailure.TIMEOUT, said, blames_rows=True)

    def _note_pong(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None:
            self._liveness.heard(self._now_s())
