"""`sightpost.v1` byte for byte: the golden files are the contract with every other version."""

from __future__ import annotations

import pytest

from tests.wire.examples import CLIENT_MESSAGES, GOLDEN, ROWS, SERVER_MESSAGES, golden
from wire import v1


@pytest.mark.parametrize("name", CLIENT_MESSAGES)
def test_client_message_encodes_to_its_golden_bytes(name: str) -> None:
    assert v1.encode(CLIENT_MESSAGES[name]) == golden(name)


@pytest.mark.parametrize("name", SERVER_MESSAGES)
def test_server_message_encodes_to_its_golden_bytes(name: str) -> None:
    assert v1.encode(SERVER_MESSAGES[name]) == golden(name)


@pytest.mark.parametrize("name", CLIENT_MESSAGES)
@pytest.mark.parametrize("as_text", [False, True], ids=["bytes", "text"])
def test_golden_bytes_decode_to_the_client_message(name: str, as_text: bool) -> None:
    content = golden(name)
    message = v1.decode_client_message(content.decode() if as_text else content, max_rows=512)
    expected = CLIENT_MESSAGES[name]
    if isinstance(expected, v1.Rows):
        assert message == v1.ReadRows(expected.frame, expected.rows, [])
    else:
        assert message == expected


@pytest.mark.parametrize("name", SERVER_MESSAGES)
@pytest.mark.parametrize("as_text", [False, True], ids=["bytes", "text"])
def test_golden_bytes_decode_to_the_server_message(name: str, as_text: bool) -> None:
    content = golden(name)
    message = v1.decode_server_message(content.decode() if as_text else content)
    assert message == SERVER_MESSAGES[name]


@pytest.mark.parametrize("name", ROWS)
def test_frame_of_encoded_rows_is_the_encoded_frame(name: str) -> None:
    row = ROWS[name]
    assert v1.encode_rows_frame(7, [v1.encode_row(row)]) == golden(name)
    two = v1.encode_rows_frame(9, [v1.encode_row(row), v1.encode_row(row)])
    assert two == v1.encode(v1.Rows(frame=9, rows=[row, row]))


def test_thai_text_is_never_escaped() -> None:
    assert "1กก 1234".encode() in golden("v1_rows_lpr_detection")


def test_every_golden_file_of_v1_is_tested() -> None:
    names = {path.stem for path in GOLDEN.glob("v1_*.json")}
    assert names == CLIENT_MESSAGES.keys() | SERVER_MESSAGES.keys()
