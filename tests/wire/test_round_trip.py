"""Whatever one side says, the other reads the same."""

from __future__ import annotations

from hypothesis import given

from tests.wire import strategies
from wire import rows, v1


@given(strategies.client_messages)
def test_client_messages_come_back_as_they_were(message: v1.ClientMessage) -> None:
    read = v1.decode_client_message(v1.encode(message), max_rows=512)
    if isinstance(message, v1.Rows):
        assert read == v1.ReadRows(message.frame, message.rows, [])
    else:
        assert read == message


@given(strategies.server_messages)
def test_server_messages_come_back_as_they_were(message: v1.ServerMessage) -> None:
    assert v1.decode_server_message(v1.encode(message)) == message


@given(strategies.any_row)
def test_rows_come_back_as_they_were(row: rows.Row) -> None:
    frame = v1.encode_rows_frame(1, [v1.encode_row(row)])
    assert v1.decode_client_message(frame, max_rows=1) == v1.ReadRows(1, [row], [])


@given(strategies.any_row)
def test_encoded_text_is_utf8_without_ascii_escapes(row: rows.Row) -> None:
    """Control characters apart, `msgspec` writes characters as they are (Thai stays readable)."""
    assert b"\\u0e" not in v1.encode_row(row)
