"""The exchange of the older system: one row out, one answer back, and patience with its errors.

Its errors carry no hint whether to retry, so a row that fails is tried again with growing delay
while others pass, and set aside after CLASSIC_RETRY_HOURS.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agent.delivery import RowKey, RowRefused, Settlement
from agent.uplink.context import ExchangeContext
from agent.uplink.dial import failure_of
from agent.uplink.intake import Batch, Intake, PutOff
from agent.uplink.link import LinkFailed, LinkFailure
from agent.uplink.liveness import answer_patience_s
from agent.uplink.message import PreparedRow
from agent.uplink.racing import first_set
from wire.classic import ClassicAnswer, decode_classic_answer
from wire.errors import RowInvalid

BATCH_ROWS: Final = 8
BATCH_BYTES: Final = 1_000_000
LARGEST_MESSAGE_BYTES: Final = 6_500_000
"""The older server refuses pictures above 5 MB."""
HOUR_S: Final = 3_600.0


class ClassicExchange:
    """Serves one connection, once. Ends as `client.V1Exchange` does."""

    def __init__(
        self,
        connection: ClientConnection,
        intake: Intake,
        context: ExchangeContext,
    ) -> None:
        self._connection = connection
        self._intake = intake
        self._context = context
        self._settings = context.settings
        self._progress = context.progress
        self._now_s = context.now_s
        self._patience = context.patience
        self._acknowledged: list[RowKey] = []

    async def greet(self) -> None:
        """The older exchange begins without a word."""

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until `stop`; the row in flight is answered first."""
        try:
            while not stop.is_set():
                batch = await self._take()
                rows = deque(batch.rows)
                while rows and not stop.is_set():
                    await self._deliver(rows.popleft())
                await self._settle()
                if not batch.rows:
                    if self._context.until_empty:
                        return
                    await self._idle(batch, stop)
        except ConnectionClosed as error:
            raise failure_of(error) from error
        finally:
            self._progress.in_flight = 0
            await self._settle()

    async def _take(self) -> Batch:
        woken = self._context.wake.is_set()
        self._context.wake.clear()
        return await self._context.worker.run(
            self._intake.take,
            rows=BATCH_ROWS,
            size_bytes=BATCH_BYTES,
            max_row_bytes=LARGEST_MESSAGE_BYTES,
            woken=woken,
            now_s=self._now_s(),
        )

    async def _deliver(self, row: PreparedRow) -> None:
        self._progress.in_flight = 1
        try:
            answer = await self._exchange(row.content)
        except (LinkFailed, ConnectionClosed) as error:
            failure = error if isinstance(error, LinkFailed) else failure_of(error)
            await self._note_end(row.key, failure)
            raise failure from error
        self._progress.in_flight = 0
        self._progress.answers += 1
        self._patience.answered([row.key])
        if answer.status == "success":
            self._acknowledged.append(row.key)
            self._patience.settled([row.key])
        else:
            await self._note_failure(row.key, answer.message, is_sure=True)

    async def _note_end(self, key: RowKey, failure: LinkFailed) -> None:
        """Others go first over the next connection: this row may be why the last one ended."""
        if failure.failure is LinkFailure.SERVER_ERROR:
            return  # the server restarts
        self._patience.blame(key)
        said = f"no answer to this row: {failure.detail}"
        await self._note_failure(key, said, is_sure=failure.blames_rows)

    async def _exchange(self, content: bytes) -> ClassicAnswer:
        """In one frame, as older servers know it; a cap holds on average."""
        pace = self._context.pace
        await asyncio.sleep(pace.wait_s(len(content), self._now_s()))
        patience_s = answer_patience_s(
            len(content), rate_bytes_s=0.0, least_s=self._settings.answer_timeout_s
        )
        try:
            async with asyncio.timeout(patience_s):
                await self._connection.send(content, text=True)
                return decode_classic_answer(await self._connection.recv(decode=False))
        except TimeoutError:
            said = "the server did not answer a row"
            raise LinkFailed(LinkFailure.TIMEOUT, said) from None
        except RowInvalid as error:
            raise LinkFailed(
                LinkFailure.PROTOCOL, f"the server's answer is none: {error.message}"
            ) from error

    async def _note_failure(self, key: RowKey, message: str, *, is_sure: bool) -> None:
        """Puts the row off, or sets it aside when it was put off for long enough.

        Unless it `is_sure` that the row is at fault and not the line, only times count in which
        the server answered others.
        """
        self._progress.last_error = message
        counts = self._patience.others_passed(key, self._progress.answers) or is_sure
        delay_s = self._patience.next_delay_s(key, random=self._context.random())
        refused_for_s = await self._context.worker.run(
            self._intake.note_failure, key, message, delay_s=delay_s if counts else 0.0
        )
        if counts and refused_for_s >= self._settings.classic_retry_hours * HOUR_S:
            hours = refused_for_s / HOUR_S
            error = f"refused for {hours:.1f} hours: {message}"
            self._patience.settled([key])
            await self._settle(RowRefused(key=key, error=error))
            return
        put_off = PutOff(self._now_s() + delay_s, key)
        await self._context.worker.run(self._intake.put_off, [put_off])

    async def _settle(self, *refused: RowRefused) -> None:
        acknowledged, self._acknowledged = self._acknowledged, []
        if not acknowledged and not refused:
            return
        self._progress.counts = await self._context.worker.run(
            self._intake.settle, Settlement(acknowledged=acknowledged, refused=refused)
        )
        self._progress.tell()

    async def _idle(self, batch: Batch, stop: asyncio.Event) -> None:
        timeout_s = self._settings.check_interval_s
        if batch.next_due_s is not None:
            timeout_s = min(timeout_s, max(0.0, batch.next_due_s - self._now_s()))
        closed = asyncio.ensure_future(self._connection.wait_closed())
        waiting = asyncio.ensure_future(first_set(self._context.wake, stop, timeout_s=timeout_s))
        try:
            await asyncio.wait({closed, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (closed, waiting):
                task.cancel()
            await asyncio.gather(closed, waiting, return_exceptions=True)
        if self._connection.close_code is not None:
            raise LinkFailed(LinkFailure.CLOSED, "the server closed the idle connection")
