"""A client against a server over a line that may break at any moment: the books balance."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.wire.examples import HELLO, MINIMAL_LPR_ROW
from wire import v1
from wire.client_session import (
    ClientSession,
    ClientState,
    EncodedRow,
    FrameRefused,
    RowsAnswered,
    Welcomed,
)
from wire.limits import Credit, Limits
from wire.message_id import content_id
from wire.server_session import (
    FrameRefused as RefusedByServer,
)
from wire.server_session import HelloReceived, RowsReceived, ServerSession
from wire.v1 import RowResult

NOW = datetime(2026, 8, 6, tzinfo=UTC)
credits_ = st.builds(Credit, rows=st.integers(0, 6), bytes=st.integers(0, 2000))


class Delivery(RuleBasedStateMachine):
    """The device holds rows until they are acknowledged; the server stores by id."""

    def __init__(self) -> None:
        super().__init__()
        self.captured = 0
        self.waiting: dict[str, EncodedRow] = {}
        self.in_flight: deque[tuple[str, ...]] = deque()
        self.acknowledged: set[str] = set()
        self.suspects: set[str] = set()
        self.stored: dict[str, int] = {}
        self.commits: list[str] = []
        self.connect()

    def connect(self) -> None:
        self.client = ClientSession(HELLO)
        self.server = ServerSession(limits=Limits())
        self.up: deque[bytes] = deque([self.client.hello()])
        self.down: deque[bytes] = deque()
        self.in_flight.clear()

    @rule()
    def capture(self) -> None:
        self.captured += 1
        row_id = content_id([str(self.captured)])
        row = msgspec.structs.replace(MINIMAL_LPR_ROW, id=row_id, sequence=self.captured)
        self.waiting[row_id] = EncodedRow(row_id, v1.encode_row(row))

    @rule(count=st.integers(1, 4))
    def send(self, count: int) -> None:
        flying = {row_id for ids in self.in_flight for row_id in ids}
        room = self.client.room()
        rows = [row for row_id, row in self.waiting.items() if row_id not in flying]
        if self.suspects:
            rows = [row for row in rows if row.id in self.suspects][:1]
        rows = rows[: min(count, room.rows)]
        if not rows or (self.in_flight and sum(len(row.content) for row in rows) > room.bytes):
            return
        self.up.append(self.client.send(rows))
        self.in_flight.append(tuple(row.id for row in rows))

    @precondition(lambda self: self.up)
    @rule(credit=credits_, forget=st.booleans())
    def server_reads(self, credit: Credit, forget: bool) -> None:
        event = self.server.receive(self.up.popleft())
        if isinstance(event, HelloReceived):
            last = len(self.stored)
            self.down.append(self.server.welcome(last_sequence=last, credit=credit, now=NOW))
        elif isinstance(event, RefusedByServer):
            self.down.append(event.answer)
        elif isinstance(event, RowsReceived):
            assert not event.refused
            results = [self.commit(row.id) for row in event.rows]
            if forget:
                results.pop()
            self.down.append(self.server.acknowledge(event.frame, results, credit=credit))

    def commit(self, row_id: str) -> RowResult:
        is_known = row_id in self.stored
        if not is_known:
            self.stored[row_id] = len(self.stored) + 1
            self.commits.append(row_id)
        record_id = self.stored[row_id]
        return RowResult(id=row_id, success=True, record_id=record_id, duplicate=is_known)

    @precondition(lambda self: self.down)
    @rule()
    def client_reads(self) -> None:
        event = self.client.receive(self.down.popleft())
        if isinstance(event, Welcomed):
            return
        sent = self.in_flight.popleft()
        if isinstance(event, RowsAnswered):
            answered = tuple(result.id for result in event.results)
            assert answered + event.unanswered == sent, "answers come in the order of the frames"
            for row_id in answered:
                assert row_id in self.stored, "acknowledged, but never stored"
                self.waiting.pop(row_id, None)
                self.suspects.discard(row_id)
                self.acknowledged.add(row_id)
        else:
            assert isinstance(event, FrameRefused)
            assert event.ids == sent, "a refusal without a number means the oldest frame"
            self.suspects.update(event.ids)

    @precondition(lambda self: any(b'"type":"rows"' in frame for frame in self.up))
    @rule()
    def line_garbles_a_frame(self) -> None:
        """As a proxy that cuts frames might: the server cannot even read the number."""
        place = next(at for at, frame in enumerate(self.up) if b'"type":"rows"' in frame)
        self.up[place] = self.up[place][:-1]

    @rule()
    def line_breaks(self) -> None:
        self.connect()

    @invariant()
    def client_counts_what_is_in_flight(self) -> None:
        assert self.client.rows_in_flight == sum(len(ids) for ids in self.in_flight)
        assert (self.client.bytes_in_flight == 0) == (not self.in_flight)
        room = self.client.room()
        if self.client.state is not ClientState.OPEN:
            assert room == Credit(rows=0, bytes=0)
        elif not self.in_flight:
            assert room.rows >= 1
        else:
            credit = self.client.credit
            assert room.rows == max(0, credit.rows - self.client.rows_in_flight)
            assert room.bytes == max(0, credit.bytes - self.client.bytes_in_flight)

    @invariant()
    def every_row_is_waiting_or_acknowledged_and_stored_once(self) -> None:
        assert self.captured == len(self.waiting) + len(self.acknowledged)
        assert self.acknowledged <= self.stored.keys()
        assert len(self.commits) == len(set(self.commits)) == len(self.stored)

    def teardown(self) -> None:
        """Once the line holds, everything arrives, exactly once."""
        self.connect()
        for _ in range(2 * self.captured + 3):
            while self.up:
                self.server_reads(Credit(rows=8, bytes=100_000), forget=False)
            while self.down:
                self.client_reads()
            self.send(4)
        assert not self.waiting
        assert len(self.commits) == self.captured


Delivery.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestDelivery = Delivery.TestCase
