"""The server's side of one `sightpost.v1` connection: frames in, events out. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto

import msgspec

from wire import v1
from wire.acceptance import accept_hello, accept_v1
from wire.accepted import AcceptedRow
from wire.errors import ErrorCode, FrameInvalid, PeerMisbehaved, RowInvalid, SessionMisused
from wire.limits import Credit, Limits
from wire.v1 import Hello, RowResult


class ServerState(Enum):
    """`AWAITING_HELLO -> GREETED (hello read) -> OPEN (welcome sent)`."""

    AWAITING_HELLO = auto()
    GREETED = auto()
    OPEN = auto()


class HelloReceived(msgspec.Struct, frozen=True):
    """Answer with `welcome`, or close the connection."""

    hello: Hello


class RowsReceived(msgspec.Struct, frozen=True):
    """Store `rows`, then `acknowledge` the frame with their results after `refused`."""

    frame: int
    rows: list[AcceptedRow]
    refused: list[RowResult]


class FrameRefused(msgspec.Struct, frozen=True):
    """Nothing of the frame can be stored; send `answer` in the frame's turn."""

    answer: bytes
    code: ErrorCode


ServerEvent = HelloReceived | RowsReceived | FrameRefused


class ServerSession:
    """Reads what the client sends and words the answers. Keeps no rows and no time."""

    def __init__(self, *, limits: Limits) -> None:
        self._limits = limits
        self._hello: Hello | None = None
        self.state = ServerState.AWAITING_HELLO

    def receive(self, content: bytes | str) -> ServerEvent | None:
        """The event in one frame, None for a message type of a later version.

        Raises PeerMisbehaved where the client did not begin with a proper hello, or said it twice.
        """
        try:
            if len(content) > self._limits.frame_bytes:
                raise FrameInvalid(
                    ErrorCode.TOO_LARGE,
                    f"a frame has at most {self._limits.frame_bytes} bytes, got {len(content)}",
                )
            message = v1.decode_client_message(content, max_rows=self._limits.rows_per_frame)
        except FrameInvalid as error:
            if self.state is ServerState.AWAITING_HELLO:
                raise PeerMisbehaved(f"expected hello first: {error.message}") from None
            return FrameRefused(_refusal(error), error.code)
        if message is None:
            return None
        if isinstance(message, Hello):
            return self._greeted(message)
        if self._hello is None or self.state is ServerState.AWAITING_HELLO:
            raise PeerMisbehaved("expected hello before rows")
        return self._rows(message, self._hello)

    def welcome(
        self,
        *,
        last_sequence: int,
        credit: Credit,
        now: datetime,
        rows_stored: int | None = None,
        run: str | None = None,
        known_run: str | None = None,
    ) -> bytes:
        """The answer to hello."""
        if self.state is not ServerState.GREETED:
            raise SessionMisused(f"welcome in state {self.state.name}: it answers hello, once")
        self.state = ServerState.OPEN
        return v1.encode(
            v1.Welcome(
                last_sequence=last_sequence,
                credit=credit,
                max_frame_bytes=self._limits.frame_bytes,
                max_frame_rows=self._limits.rows_per_frame,
                time=now,
                rows_stored=rows_stored,
                run=run,
                known_run=known_run,
            )
        )

    def acknowledge(
        self,
        frame: int,
        results: Sequence[RowResult],
        *,
        credit: Credit,
        rows_stored: int | None = None,
    ) -> bytes:
        """The answer to a frame of rows; only ever after its rows were committed."""
        if self.state is not ServerState.OPEN:
            raise SessionMisused(f"acknowledge in state {self.state.name}: welcome comes first")
        return v1.encode(
            v1.Acks(frame=frame, credit=credit, results=list(results), rows_stored=rows_stored)
        )

    def _greeted(self, hello: Hello) -> HelloReceived:
        if self.state is not ServerState.AWAITING_HELLO:
            raise PeerMisbehaved("hello was said already on this connection")
        try:
            hello = accept_hello(hello)
        except RowInvalid as error:
            raise PeerMisbehaved(f"hello: {error.message}") from None
        self._hello = hello
        self.state = ServerState.GREETED
        return HelloReceived(hello)

    def _rows(self, message: v1.ReadRows, hello: Hello) -> RowsReceived:
        accepted: list[AcceptedRow] = []
        refused = [refused_result(row_id, error) for row_id, error in message.invalid]
        for row in message.rows:
            try:
                accepted.append(accept_v1(row, hello, self._limits))
            except RowInvalid as error:
                refused.append(refused_result(row.id, error))
        return RowsReceived(message.frame, accepted, refused)


def refused_result(row_id: str, error: RowInvalid) -> RowResult:
    """The wire's form of a row that breaks the contract: final, never to be retried."""
    return RowResult(id=row_id, success=False, code=error.code, message=error.message)


def _refusal(error: FrameInvalid) -> bytes:
    return v1.encode(v1.FrameRefusal(code=error.code, message=error.message, frame=error.frame))


__all__ = [
    "ErrorCode",
    "FrameRefused",
    "HelloReceived",
    "RowsReceived",
    "ServerEvent",
    "ServerSession",
    "ServerState",
    "refused_result",
]
