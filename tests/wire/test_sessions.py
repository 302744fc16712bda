"""The rules of a `sightpost.v1` connection, both ends."""

from __future__ import annotations

import msgspec
import pytest

from tests.wire.examples import (
    CAPTURED,
    HEALTH_ID,
    HEALTH_ROW,
    HELLO,
    LPR_ID,
    MINIMAL_LPR_ROW,
    SERVER_MESSAGES,
    golden,
)
from tests.wire.sessions import CREDIT, open_client, open_server
from wire import v1
from wire.client_session import (
    ClientSession,
    ClientState,
    EncodedRow,
    FrameRefused,
    RowsAnswered,
    Welcomed,
)
from wire.errors import PeerMisbehaved, SessionMisused
from wire.limits import Credit, Limits
from wire.server_session import (
    FrameRefused as RefusedByServer,
)
from wire.server_session import (
    HelloReceived,
    RowsReceived,
    ServerSession,
    ServerState,
)
from wire.v1 import Acks, FrameRefusal, RowResult

LPR = EncodedRow(LPR_ID, v1.encode_row(MINIMAL_LPR_ROW))
HEALTH = EncodedRow(HEALTH_ID, v1.encode_row(HEALTH_ROW))
FUTURE = b'{"type":"command","name":"restart","frame":"one"}'


def acks(frame: int, *ids: str, credit: Credit = CREDIT) -> bytes:
    results = [RowResult(id=row_id, success=True, record_id=1) for row_id in ids]
    return v1.encode(Acks(frame=frame, credit=credit, results=results))


def test_server_goes_from_hello_over_welcome_to_rows() -> None:
    session = ServerSession(limits=Limits())
    states = [session.state]
    assert session.receive(golden("v1_hello")) == HelloReceived(HELLO)
    states.append(session.state)
    session.welcome(last_sequence=7, credit=CREDIT, now=CAPTURED)
    states.append(session.state)
    assert states == [ServerState.AWAITING_HELLO, ServerState.GREETED, ServerState.OPEN]
    event = session.receive(golden("v1_rows_mixed"))
    assert isinstance(event, RowsReceived)
    assert (event.frame, len(event.rows), event.refused) == (8, 3, [])


def test_welcome_states_the_limits_of_the_server() -> None:
    limits = Limits(frame_bytes=1_048_576, rows_per_frame=64)
    session = ServerSession(limits=limits)
    session.receive(golden("v1_hello"))
    client = ClientSession(HELLO)
    client.hello()
    client.receive(session.welcome(last_sequence=0, credit=CREDIT, now=CAPTURED))
    assert (client.max_frame_bytes, client.max_frame_rows) == (1_048_576, 64)
    assert client.credit == CREDIT


@pytest.mark.parametrize(
    "content",
    [golden("v1_rows_mixed"), b"", b"{}", b'{"type":"hello"}', b'{"type":"rows"}', b"\xff"],
)
def test_client_that_does_not_begin_with_hello_misbehaves(content: bytes) -> None:
    with pytest.raises(PeerMisbehaved, match="expected hello"):
        ServerSession(limits=Limits()).receive(content)


def test_hello_twice_misbehaves() -> None:
    session = ServerSession(limits=Limits())
    session.receive(golden("v1_hello"))
    with pytest.raises(PeerMisbehaved, match="already"):
        session.receive(golden("v1_hello"))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"gate-north"', '"gate\\u0000"', "device_id"),
        ('"8f0c2d41"', '"\\u0000"', "epoch"),
        ('"aicamera"', '"\\u0000"', "hostname"),
        ('"checkpoint_id":"1"', '"checkpoint_id":"\\u0000"', "checkpoint_id"),
        ('"0.1.0"', '"\\u0000"', "agent_version"),
        ("2026-08-06T10:30:01+07:00", "9999-12-31T23:59:59-07:00", "time"),
        ("2026-08-06T10:30:01+07:00", "1969-12-31T23:59:59Z", "time"),
        ('"gate-north"', '""', "device_id"),
    ],
)
def test_hello_that_cannot_be_stored_misbehaves(old: str, new: str, named: str) -> None:
    content = golden("v1_hello").decode()
    assert old in content
    with pytest.raises(PeerMisbehaved, match=rf"hello.*{named}: expected"):
        ServerSession(limits=Limits()).receive(content.replace(old, new))


def test_hello_texts_are_taken_in_nfc() -> None:
    content = golden("v1_hello").replace(b"aicamera", "Zu\u0308rich".encode())
    event = ServerSession(limits=Limits()).receive(content)
    assert isinstance(event, HelloReceived)
    assert event.hello.hostname == "Z\u00fcrich"


def test_server_answers_in_the_wrong_state_are_our_fault() -> None:
    session = ServerSession(limits=Limits())
    with pytest.raises(SessionMisused, match="AWAITING_HELLO"):
        session.welcome(last_sequence=0, credit=CREDIT, now=CAPTURED)
    with pytest.raises(SessionMisused, match="welcome comes first"):
        session.acknowledge(1, [], credit=CREDIT)
    session.receive(golden("v1_hello"))
    with pytest.raises(SessionMisused, match="welcome comes first"):
        session.acknowledge(1, [], credit=CREDIT)
    session.welcome(last_sequence=0, credit=CREDIT, now=CAPTURED)
    with pytest.raises(SessionMisused, match="once"):
        session.welcome(last_sequence=0, credit=CREDIT, now=CAPTURED)


def test_unknown_message_types_and_fields_are_ignored_by_both_ends() -> None:
    server = ServerSession(limits=Limits())
    assert server.receive(FUTURE) is None
    assert open_server().receive(FUTURE) is None
    client = open_client()
    client.send([LPR])
    assert client.receive(FUTURE) is None
    assert client.rows_in_flight == 1
    content = golden("v1_rows_lpr_detection_minimal").replace(b'"frame"', b'"colour":[1],"frame"')
    event = open_server().receive(content.replace(b'"license_plate"', b'"hue":{},"license_plate"'))
    assert isinstance(event, RowsReceived)
    assert len(event.rows) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(acks(1, LPR_ID), "not in flight"), (golden("v1_refusal"), "refused hello: rows: 600")],
)
def test_answer_before_welcome_misbehaves(content: bytes, said: str) -> None:
    client = ClientSession(HELLO)
    client.hello()
    with pytest.raises(PeerMisbehaved, match=said):
        client.receive(content)
    assert client.state is ClientState.AWAITING_WELCOME


def test_welcome_twice_or_before_hello_misbehaves() -> None:
    with pytest.raises(PeerMisbehaved, match="welcome in state NEW"):
        ClientSession(HELLO).receive(golden("v1_welcome"))
    with pytest.raises(PeerMisbehaved, match="welcome in state OPEN"):
        open_client().receive(golden("v1_welcome"))


def test_client_calls_in_the_wrong_state_are_our_fault() -> None:
    client = ClientSession(HELLO)
    with pytest.raises(SessionMisused, match="welcome comes first"):
        client.send([LPR])
    assert client.room() == Credit(rows=0, bytes=0)
    client.hello()
    with pytest.raises(SessionMisused, match="once"):
        client.hello()
    with pytest.raises(SessionMisused, match="welcome comes first"):
        client.send([LPR])
    with pytest.raises(SessionMisused, match="without rows"):
        open_client().send([])


def test_hello_and_welcome_open_the_client() -> None:
    client = ClientSession(HELLO)
    assert client.hello() == golden("v1_hello")
    event = client.receive(golden("v1_welcome"))
    assert isinstance(event, Welcomed)
    assert event.welcome.last_sequence == 1016
    assert client.state is ClientState.OPEN
    assert client.room() == Credit(rows=256, bytes=4_194_304)
    assert client.max_frame_rows == 512, "the default where welcome does not say"


def test_rows_in_flight_take_room_until_they_are_answered() -> None:
    client = open_client(Credit(rows=3, bytes=5000))
    size = len(client.send([LPR, HEALTH]))
    assert (client.rows_in_flight, client.bytes_in_flight) == (2, size)
    assert client.room() == Credit(rows=1, bytes=5000 - size)
    event = client.receive(acks(1, LPR_ID, HEALTH_ID, credit=Credit(rows=10, bytes=9000)))
    assert isinstance(event, RowsAnswered)
    assert event.frame == client.frames_sent == 1
    assert [result.id for result in event.results] == [LPR_ID, HEALTH_ID]
    assert (client.rows_in_flight, client.bytes_in_flight) == (0, 0)
    assert client.room() == Credit(rows=10, bytes=9000)


def test_one_row_may_always_go_even_without_credit() -> None:
    client = open_client(Credit(rows=0, bytes=0))
    assert client.room() == Credit(rows=1, bytes=1)
    client.send([LPR])
    assert client.room() == Credit(rows=0, bytes=0)


def test_credit_below_what_is_in_flight_leaves_no_room() -> None:
    client = open_client()
    client.send([LPR])
    client.send([HEALTH])
    client.receive(acks(1, LPR_ID, credit=Credit(rows=0, bytes=0)))
    assert client.room() == Credit(rows=0, bytes=0)


def test_rows_that_the_server_forgot_to_name_are_reported() -> None:
    client = open_client()
    client.send([LPR, HEALTH])
    event = client.receive(acks(1, LPR_ID))
    assert isinstance(event, RowsAnswered)
    assert event.unanswered == (HEALTH_ID,)
    assert client.rows_in_flight == 0


def test_results_for_rows_of_another_frame_misbehave() -> None:
    client = open_client()
    client.send([LPR])
    with pytest.raises(PeerMisbehaved, match="did not carry"):
        client.receive(acks(1, HEALTH_ID))


def test_answer_twice_misbehaves() -> None:
    client = open_client()
    client.send([LPR])
    client.receive(acks(1, LPR_ID))
    with pytest.raises(PeerMisbehaved, match="frame 1, which is not in flight"):
        client.receive(acks(1, LPR_ID))


def test_refusal_without_a_number_means_the_oldest_unanswered_frame() -> None:
    client = open_client()
    client.send([LPR])
    client.send([HEALTH])
    client.send([LPR, HEALTH])
    client.receive(acks(1, LPR_ID))
    event = client.receive(golden("v1_refusal_unnumbered"))
    assert isinstance(event, FrameRefused)
    assert (event.ids, event.frame) == ((HEALTH_ID,), 2)
    assert event.refusal.code == "invalid_json"
    assert client.rows_in_flight == 2


def test_refusal_with_a_number_means_that_frame() -> None:
    client = open_client()
    client.send([LPR])
    client.send([HEALTH])
    event = client.receive(v1.encode(FrameRefusal(code="too_large", message="long", frame=2)))
    assert isinstance(event, FrameRefused)
    assert event.ids == (HEALTH_ID,)
    with pytest.raises(PeerMisbehaved):
        open_client().receive(golden("v1_refusal_unnumbered"))


@pytest.mark.parametrize(
    ("content", "code", "frame"),
    [
        (b'{"type":"rows","frame":5,"rows":{}}', "invalid_field", 5),
        (b'{"type":"rows","frame":5}', "invalid_field", 5),
        (b'{"type":"rows","frame":5,"rows":[{"table":"eviction"}]}', "invalid_field", 5),
        (b'{"type":"rows","frame":5,"rows":[{},{},{}]}', "too_large", 5),
        (b'{"type":"rows","frame":0,"rows":[]}', "invalid_field", None),
        (b'{"type":"rows","frame":' + b"9" * 30 + b',"rows":[]}', "invalid_field", None),
        (b'{"type":"rows","frame":true,"rows":[]}', "invalid_field", None),
        (b'{"type":"rows","frame":5,"rows":[]', "invalid_json", None),
        (b"{}", "invalid_field", None),
        (b" " * 10_001, "too_large", None),
    ],
)
def test_frame_that_cannot_be_read_is_refused_by_its_number(
    content: bytes, code: str, frame: int | None
) -> None:
    event = open_server(Limits(rows_per_frame=2, frame_bytes=10_000)).receive(content)
    assert isinstance(event, RefusedByServer)
    refusal = v1.decode_server_message(event.answer)
    assert isinstance(refusal, FrameRefusal)
    assert (refusal.code, refusal.frame, refusal.retry) == (code, frame, False)
    assert refusal.message


def test_frame_of_exactly_the_limits_is_taken() -> None:
    content = golden("v1_rows_mixed")
    exact = Limits(rows_per_frame=3, frame_bytes=len(content))
    assert isinstance(open_server(exact).receive(content), RowsReceived)
    shorter = Limits(frame_bytes=len(content) - 1)
    assert isinstance(open_server(shorter).receive(content), RefusedByServer)


def test_server_message_that_makes_no_sense_misbehaves() -> None:
    for content in (b"", b"{}", b'{"type":"acks","frame":0}', b'{"type":"welcome"}', b"\xff"):
        with pytest.raises(PeerMisbehaved, match="unreadable frame"):
            open_client().receive(content)


@pytest.mark.parametrize("useless", [{"max_frame_rows": 0}, {"max_frame_bytes": 1_023}])
def test_welcome_that_lets_no_row_pass_misbehaves(useless: dict[str, int]) -> None:
    client = ClientSession(HELLO)
    client.hello()
    welcome = msgspec.structs.replace(SERVER_MESSAGES["v1_welcome"], **useless)
    with pytest.raises(PeerMisbehaved, match="no row could go"):
        client.receive(v1.encode(welcome))
