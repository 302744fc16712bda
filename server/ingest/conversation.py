"""One connection after its greeting: reads ahead within a window, answers strictly in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

import structlog
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from server.ingest.budget import ByteBudget
from server.ingest.dialects import Dialect, Turn
from server.ingest.metered import MeteredConnection
from server.ingest.stats import MISBEHAVED, Counters
from server.ingest.writer import GroupWriter, RowOutcome
from wire.errors import PeerMisbehaved
from wire.limits import Credit

LARGE_FRAME_BYTES: Final = 256 * 1024
"""Frames above this are read in a thread. Below, the hop costs more than it saves; above, hashing
the picture (which lets other threads run) is what takes the time."""

_REASON_BYTES: Final = 123  # RFC 6455, section 5.5: a control frame carries at most 125 bytes

_log = structlog.get_logger(__name__)

_Answer = tuple[Turn, "asyncio.Future[list[RowOutcome]] | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What all conversations share."""

    writer: GroupWriter
    budget: ByteBudget
    counters: Counters
    decoding: Executor
    credit: Callable[[], Credit]


class BinaryRefused(Exception):
    """The peer sent a binary message: to be closed with 1003."""


class Conversation:
    """Runs one connection until either side ends it."""

    def __init__(
        self, socket: MeteredConnection, dialect: Dialect, workplace: Workplace, peer: str
    ) -> None:
        self._socket = socket
        self._dialect = dialect
        self._work = workplace
        self._peer = peer
        self._window = asyncio.Semaphore(dialect.window)
        self._answers: asyncio.Queue[_Answer | None] = asyncio.Queue()  # bounded by the window
        self._reading: asyncio.Task[None] | None = None
        self._closing = (CloseCode.NORMAL_CLOSURE, "")

    async def run(self) -> None:
        """Returns when the connection is closed and everything taken from it is stored."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._answer_all())
            self._reading = tasks.create_task(self._read_all())
            # not in the task itself: one that is stopped before its first step runs no line of it
            self._reading.add_done_callback(lambda _: self._answers.put_nowait(None))
        code, reason = self._closing
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._socket.close(code, shortened(reason)))
            tasks.create_task(self._discard())

    def stop(self, code: CloseCode, reason: str) -> None:
        """Takes no more frames; what was taken is stored and answered, then the close is said."""
        self._closing = (code, reason)
        if self._reading is not None:
            self._reading.cancel()

    async def _read_all(self) -> None:
        try:
            while True:
                await self._window.acquire()
                async with asyncio.timeout(self._dialect.idle_s):
                    content, size = await self._socket.take()
                await self._take(content, size)
        except ConnectionClosed:
            pass
        except TimeoutError:
            self._closing = (
                CloseCode.NORMAL_CLOSURE,
                f"nothing was sent for {self._dialect.idle_s:.0f} s",
            )
        except BinaryRefused as error:
            self._closing = (CloseCode.UNSUPPORTED_DATA, str(error))
        except PeerMisbehaved as error:
            _log.error("connection closed: the peer misbehaved", peer=self._peer, reason=str(error))
            self._work.counters.refuse(MISBEHAVED)
            self._closing = (CloseCode.POLICY_VIOLATION, str(error))

    async def _discard(self) -> None:
        """Frames that came too late stand before the peer's close: they are read past, untaken."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                _, size = await self._socket.take()
                self._work.budget.release(size)

    async def _take(self, content: str | bytes, held: int) -> None:
        """Queues what a frame asks for; its bytes go back to the budget once it is dealt with."""
        self._work.counters.messages_received += 1
        try:
            turn = await self._read(text_of(content))
            if turn is None:
                self._window.release()
                return
            outcomes = None
            if turn.rows:
                outcomes = self._work.writer.submit(turn.rows, held)
                held = 0  # the writer gives them back
            self._answers.put_nowait((turn, outcomes))
        finally:
            if held:
                self._work.budget.release(held)
        self._report(turn)

    async def _read(self, content: str) -> Turn | None:
        if len(content) <= LARGE_FRAME_BYTES:
            return self._dialect.read(content)
        return await asyncio.get_running_loop().run_in_executor(
            self._work.decoding, self._dialect.read, content
        )

    async def _answer_all(self) -> None:
        while (answer := await self._answers.get()) is not None:
            turn, future = answer
            outcomes = await future if future is not None else ()
            # A camera that is gone sends its unanswered rows again; they are known by their ids.
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(turn.wording(outcomes, self._work.credit()), text=True)
            self._window.release()

    def _report(self, turn: Turn) -> None:
        if turn.faults:
            for fault in turn.faults:
                self._work.counters.refuse(fault.code)
            first = turn.faults[0].text
            _log.error("refused", peer=self._peer, count=len(turn.faults), first=first)


def text_of(content: str | bytes) -> str:
    """The text of a message; raises BinaryRefused where it is none."""
    if isinstance(content, str):
        return content
    raise BinaryRefused("expected a text message, got a binary one")


def shortened(reason: str) -> str:
    """A reason that fits a close frame."""
    return reason.encode()[:_REASON_BYTES].decode(errors="ignore")
