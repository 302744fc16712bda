"""The agent's side of one `sightpost.v1` connection: what may go, what answers mean. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

import msgspec

from wire import v1
from wire.errors import FrameInvalid, PeerMisbehaved, SessionMisused, shown
from wire.limits import Credit
from wire.v1 import Acks, FrameRefusal, Hello, RowResult, Watchlist, Welcome
from wire.watchlist import PartsTogether, WholeWatchlist

SMALLEST_FRAME_BYTES: Final = 1_024
"""A row without its picture may just fit; less would have every row refused as too large."""


class ClientState(Enum):
    """`NEW -> AWAITING_WELCOME (hello sent) -> OPEN (welcome read)`."""

    NEW = auto()
    AWAITING_WELCOME = auto()
    OPEN = auto()


class EncodedRow(msgspec.Struct, frozen=True, gc=False):
    """A row ready for the wire: its id and its JSON."""

    id: str
    content: bytes


class Welcomed(msgspec.Struct, frozen=True):
    """The session is open."""

    welcome: Welcome


class RowsAnswered(msgspec.Struct, frozen=True):
    """What became of rows that were in flight. Rows the server forgot to name are `unanswered`.

    `rows_stored`: how many rows of this store the server held by then, where it says so.
    """

    results: tuple[RowResult, ...]
    unanswered: tuple[str, ...] = ()
    frame: int = 0
    rows_stored: int | None = None


class FrameRefused(msgspec.Struct, frozen=True):
    """A whole frame was refused: send its rows one by one to find the culprit.

    Where it carried a single row, that row is the culprit.
    """

    ids: tuple[str, ...]
    refusal: FrameRefusal
    frame: int = 0


ClientEvent = Welcomed | RowsAnswered | FrameRefused | WholeWatchlist


class _InFlight(msgspec.Struct, frozen=True, gc=False):
    ids: tuple[str, ...]
    size_bytes: int


class ClientSession:
    """Counts credit and frames in flight; the caller moves bytes and keeps the rows."""

    def __init__(self, hello: Hello) -> None:
        self._hello = hello
        self._credit = Credit(rows=0, bytes=0)
        self._max_frame_bytes = 0
        self._max_frame_rows = 0
        self._parts = PartsTogether()
        self._in_flight: OrderedDict[int, _InFlight] = OrderedDict()
        self._next_frame = 1
        self._rows_in_flight = 0
        self._bytes_in_flight = 0
        self.state = ClientState.NEW

    @property
    def credit(self) -> Credit:
        """The most that may be unanswered, as the server said last."""
        return self._credit

    @property
    def rows_in_flight(self) -> int:
        return self._rows_in_flight

    @property
    def bytes_in_flight(self) -> int:
        return self._bytes_in_flight

    @property
    def frames_sent(self) -> int:
        """Frames of rows sent so far; also the number of the last one."""
        return self._next_frame - 1

    @property
    def max_frame_bytes(self) -> int:
        """The largest frame that the server takes."""
        return self._max_frame_bytes

    @property
    def max_frame_rows(self) -> int:
        """The most rows that the server takes in one frame."""
        return self._max_frame_rows

    def hello(self) -> bytes:
        """The first frame."""
        if self.state is not ClientState.NEW:
            raise SessionMisused("hello is said once on a connection")
        self.state = ClientState.AWAITING_WELCOME
        return v1.encode(self._hello)

    def room(self) -> Credit:
        """What may be sent now. With nothing in flight, one row may always go."""
        if self.state is not ClientState.OPEN:
            return Credit(rows=0, bytes=0)
        rows = max(0, self._credit.rows - self._rows_in_flight)
        size = max(0, self._credit.bytes - self._bytes_in_flight)
        if not self._in_flight:
            return Credit(rows=max(1, rows), bytes=max(1, size))
        return Credit(rows=rows, bytes=size)

    def send(self, rows: Sequence[EncodedRow]) -> bytes:
        """One frame with these rows, counted as in flight until it is answered."""
        if self.state is not ClientState.OPEN:
            raise SessionMisused(f"rows in state {self.state.name}: welcome comes first")
        if not rows:
            raise SessionMisused("a frame without rows")
        number = self._next_frame
        content = v1.encode_rows_frame(number, [row.content for row in rows])
        self._next_frame += 1
        sent = _InFlight(tuple(row.id for row in rows), len(content))
        self._in_flight[number] = sent
        self._rows_in_flight += len(sent.ids)
        self._bytes_in_flight += sent.size_bytes
        return content

    def receive(self, content: bytes | str) -> ClientEvent | None:
        """The event in one frame, None for a message type of a later version.

        Raises PeerMisbehaved for what no server of this protocol sends.
        """
        try:
            message = v1.decode_server_message(content)
        except FrameInvalid as error:
            raise PeerMisbehaved(f"the server sent an unreadable frame: {error.message}") from None
        match message:
            case None:
                return None
            case Welcome():
                return self._welcomed(message)
            case Acks():
                return self._answered(message)
            case FrameRefusal():
                return self._refused(message)
            case Watchlist():
                return self._watchlist(message)

    def _welcomed(self, welcome: Welcome) -> Welcomed:
        if self.state is not ClientState.AWAITING_WELCOME:
            raise PeerMisbehaved(f"the server said welcome in state {self.state.name}")
        if welcome.max_frame_rows < 1 or welcome.max_frame_bytes < SMALLEST_FRAME_BYTES:
            raise PeerMisbehaved(
                f"the server takes frames of {welcome.max_frame_rows} rows and "
                f"{welcome.max_frame_bytes} bytes, expected 1 row and {SMALLEST_FRAME_BYTES} bytes "
                "at least: no row could go"
            )
        self.state = ClientState.OPEN
        self._credit = welcome.credit
        self._max_frame_bytes = welcome.max_frame_bytes
        self._max_frame_rows = welcome.max_frame_rows
        return Welcomed(welcome)

    def _answered(self, acks: Acks) -> RowsAnswered:
        sent = self._take(acks.frame)
        self._credit = acks.credit
        named = {result.id for result in acks.results}
        strangers = named.difference(sent.ids)
        if strangers:
            raise PeerMisbehaved(
                f"the server answered rows that frame {acks.frame} did not carry: "
                f"{shown(min(strangers))}"
            )
        return RowsAnswered(
            tuple(acks.results),
            tuple(row_id for row_id in sent.ids if row_id not in named),
            acks.frame,
            acks.rows_stored,
        )

    def _refused(self, refusal: FrameRefusal) -> FrameRefused:
        if self.state is not ClientState.OPEN:
            raise PeerMisbehaved(f"the server refused hello: {refusal.message}")
        frame = refusal.frame
        if frame is None:
            frame = next(iter(self._in_flight), 0)
        return FrameRefused(self._take(frame).ids, refusal, frame)

    def _watchlist(self, part: Watchlist) -> WholeWatchlist | None:
        if self.state is not ClientState.OPEN or self._hello.watchlist is None:
            raise PeerMisbehaved(
                f"the server sent a watchlist in state {self.state.name}, expected one after "
                "welcome, and where hello names the version that is held"
            )
        return self._parts.add(part)

    def _take(self, frame: int) -> _InFlight:
        sent = self._in_flight.pop(frame, None)
        if sent is None:
            raise PeerMisbehaved(f"the server answered frame {frame}, which is not in flight")
        self._rows_in_flight -= len(sent.ids)
        self._bytes_in_flight -= sent.size_bytes
        return sent
