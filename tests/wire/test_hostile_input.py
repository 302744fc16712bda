"""Any bytes in: only the defined errors come out, and nothing invalid is accepted."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from tests.wire import strategies
from tests.wire.examples import CLIENT_MESSAGES, LPR_ROW
from tests.wire.invariants import assert_storable
from tests.wire.sessions import classic_session, open_client, open_server
from wire import v1
from wire.accepted import AcceptedRow
from wire.classic import ClassicRefused, decode_classic_answer
from wire.client_session import EncodedRow
from wire.errors import FrameInvalid, PeerMisbehaved, RowInvalid
from wire.limits import Limits
from wire.server_session import FrameRefused, RowsReceived, ServerSession

MANY = settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
LONG = 5_000_000
ODD: dict[str, bytes | str] = {
    "nothing": b"",
    "nothing as text": "",
    "byte order mark": b"\xef\xbb\xbf{}",
    "NUL": b"\0",
    "NUL in a string": b'{"type":"hello\0"}',
    "lone surrogate as text": '{"type":"\ud800"}',
    "lone surrogate in a field": '{"table":"lpr_detection","data":{"license_plate":"\udfff"}}',
    "invalid UTF-8": b'{"type":"\xff"}',
    "invalid UTF-8 in an ignored field": b'{"type":"rows","frame":1,"rows":[],"more":"\xc3("}',
    "UTF-16": '{"type":"hello"}'.encode("utf-16"),
    "a bare number": b"1",
    "a huge number": b"1e999",
    "a long number": b"9" * 10_000,
    "not a number": b"NaN",
    "deep list": b"[" * 200_000,
    "deep object": b'{"type":' * 50_000,
    "deep in a frame": b'{"type":"rows","frame":1,"rows":' + b"[" * 50_000,
    "deep in data": b'{"table":"lpr_detection","data":' + b'{"a":' * 50_000,
    "twice the same key": b'{"type":"hello","type":"rows","frame":1,"frame":2,"rows":[]}',
    "long type": b'{"type":"' + b"x" * LONG + b'"}',
    "long table": b'{"table":"' + b"x" * LONG + b'","data":{}}',
    "long action": b'{"table":"lpr_detection","action":"' + b"x" * LONG + b'","data":{}}',
    "long frame number": b'{"type":"rows","frame":' + b"9" * 400 + b',"rows":[]}',
    "wide frame": b'{"type":"rows","frame":1,"rows":[' + b"{}," * 100_000 + b"{}]}",
    "spaces": b" " * LONG,
    "rows of nulls": b'{"type":"rows","frame":1,"rows":[null]}',
    "row without id": b'{"type":"rows","frame":1,"rows":[{"table":"eviction"}]}',
    "row with a long id": b'{"type":"rows","frame":1,"rows":[{"id":"' + b"x" * 100_000 + b'"}]}',
}


def receive_as_server(content: bytes | str) -> None:
    event = open_server().receive(content)
    if isinstance(event, RowsReceived):
        for row in event.rows:
            assert_storable(row)
        for result in event.refused:
            assert not result.success
            assert result.message
            assert len(result.message) < 500
        assert len(json.dumps(msgspec.to_builtins(event.refused))) < 400_000
    elif isinstance(event, FrameRefused):
        assert isinstance(v1.decode_server_message(event.answer), v1.FrameRefusal)
        assert len(event.answer) < 2000


def receive_as_classic_server(content: bytes | str) -> None:
    event = classic_session().receive(content)
    if isinstance(event, ClassicRefused):
        answer = decode_classic_answer(event.answer)
        assert answer.status == "error"
        assert answer.message == event.error.message
        assert len(event.answer) < 2000
    else:
        assert_storable(event)


def receive_as_client(content: bytes | str) -> None:
    client = open_client()
    client.send([EncodedRow(LPR_ROW.id, v1.encode_row(LPR_ROW))])
    assert len(complaint(client.receive, content)) < 500
    assert client.rows_in_flight in (0, 1)
    assert client.bytes_in_flight >= 0


def complaint(receive: Callable[[bytes | str], object], content: bytes | str) -> str:
    """What the defined errors say; empty where none was raised. Any other error goes through."""
    try:
        receive(content)
    except (FrameInvalid, RowInvalid, PeerMisbehaved) as error:
        return str(error)
    return ""


def read_as_client_message(content: bytes | str) -> object:
    return v1.decode_client_message(content, max_rows=512)


def receive_everywhere(content: bytes | str) -> None:
    assert "hello" in (complaint(receive_as_server, content) or "hello")
    receive_as_classic_server(content)
    receive_as_client(content)
    for receive in (
        ServerSession(limits=Limits()).receive,
        v1.decode_server_message,
        decode_classic_answer,
        read_as_client_message,
    ):
        assert len(complaint(receive, content)) < 500


@pytest.mark.parametrize("name", ODD)
def test_odd_content_raises_only_the_defined_errors(name: str) -> None:
    receive_everywhere(ODD[name])


@given(strategies.any_bytes)
@MANY
def test_any_bytes_raise_only_the_defined_errors(content: bytes) -> None:
    receive_everywhere(content)


@given(strategies.broken(strategies.CLIENT_GOLDENS))
@MANY
def test_broken_client_messages_leave_nothing_invalid(content: bytes) -> None:
    receive_everywhere(content)


@given(strategies.broken(strategies.CLASSIC_GOLDENS))
@MANY
def test_broken_classic_messages_leave_nothing_invalid(content: bytes) -> None:
    receive_everywhere(content)


@given(strategies.broken(strategies.SERVER_GOLDENS))
@MANY
def test_broken_server_messages_leave_the_client_in_order(content: bytes) -> None:
    receive_everywhere(content)


def every_place_with_every_value(goldens: list[bytes]) -> list[bytes]:
    return [
        strategies.with_value(content, path, value)
        for content in goldens
        for path in strategies.places(json.loads(content))
        for value in strategies.HOSTILE_VALUES
    ]


def test_every_hostile_value_in_every_place_of_a_client_message() -> None:
    for content in every_place_with_every_value(strategies.CLIENT_GOLDENS):
        assert "hello" in (complaint(receive_as_server, content) or "hello")


def test_every_hostile_value_in_every_place_of_a_hello() -> None:
    for content in every_place_with_every_value([strategies.GOLDENS["v1_hello"]]):
        session = ServerSession(limits=Limits())
        try:
            event = session.receive(content)
        except PeerMisbehaved:
            continue
        if event is None:
            continue
        hello = event.hello  # type: ignore[union-attr] # a frame of rows would have raised
        assert "\0" not in hello.device_id + hello.epoch + hello.hostname + hello.checkpoint_id
        assert 1970 <= hello.time.year < 2200


def test_every_hostile_value_in_every_place_of_a_classic_message() -> None:
    for content in every_place_with_every_value(strategies.CLASSIC_GOLDENS):
        receive_as_classic_server(content)


def test_every_hostile_value_in_every_place_of_a_server_message() -> None:
    for content in every_place_with_every_value(strategies.SERVER_GOLDENS):
        receive_as_client(content)


@pytest.mark.parametrize("name", ["v1_rows_lpr_detection", "v1_hello", "v1_rows_mixed"])
def test_message_cut_anywhere_is_refused(name: str) -> None:
    content = v1.encode(CLIENT_MESSAGES[name])
    for length in range(len(content)):
        with pytest.raises(FrameInvalid):
            v1.decode_client_message(content[:length], max_rows=512)


def test_long_texts_in_every_text_field_are_refused() -> None:
    for field in ("license_plate", "vehicle_type", "region", "hostname", "timestamp"):
        row = json.loads(v1.encode_row(LPR_ROW))
        row["data"][field] = "x" * LONG
        session = open_server(Limits(frame_bytes=100_000_000))
        event = session.receive(v1.encode_rows_frame(1, [json.dumps(row).encode()]))
        assert isinstance(event, RowsReceived)
        assert not event.rows
        assert len(event.refused[0].message or "") < 500


def test_golden_rows_satisfy_the_checker() -> None:
    seen: list[AcceptedRow] = []
    for message in CLIENT_MESSAGES.values():
        event = open_server().receive(v1.encode(message)) if isinstance(message, v1.Rows) else None
        if isinstance(event, RowsReceived):
            assert not event.refused
            seen += event.rows
    assert len(seen) == 9
    for row in seen:
        assert_storable(row)


@pytest.mark.parametrize(("levels", "is_taken"), [(32, True), (33, False), (900, False)])
def test_evidence_may_be_nested_32_levels(levels: int, is_taken: bool) -> None:
    """A fixed number, so that what is taken does not depend on the room left on the stack."""
    evidence = b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"
    row = v1.encode_row(LPR_ROW).replace(
        b'{"model":"th_PP-OCRv5_rec_mobile","readings":[{"text":"' + "1กก 1234".encode() + b'"}]}',
        evidence,
    )
    assert evidence in row
    event = open_server().receive(v1.encode_rows_frame(1, [row]))
    assert isinstance(event, RowsReceived)
    assert bool(event.rows) is is_taken
    if not is_taken:
        assert event.refused[0].message == (
            "data.evidence: expected JSON of at most 32 levels, got deeper nesting"
        )
