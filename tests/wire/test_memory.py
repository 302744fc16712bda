"""Accepted rows hold what they say and nothing of the frame that they came in."""

from __future__ import annotations

import gc
import json
import tracemalloc

import pytest

from tests.wire.examples import FACE_ROW, HEALTH_ROW, LPR_ROW
from tests.wire.sessions import classic_session, open_server
from wire import v1
from wire.accepted import AcceptedRow
from wire.rows import Row
from wire.server_session import RowsReceived

PADDING = 4_000_000


def frame_with_padding(row: bytes, *, as_text: bool) -> bytes | str:
    """A frame whose weight lies in a field of a later version."""
    padded = row[:-1] + b',"of_tomorrow":"' + b"x" * PADDING + b'"}'
    content = v1.encode_rows_frame(1, [padded])
    return content.decode() if as_text else content


def copy_of(content: bytes | str) -> bytes | str:
    """The same content in memory of its own."""
    if isinstance(content, str):
        return content[:1] + content[1:]
    return content[:1] + content[1:]


def held_after(content: bytes | str) -> tuple[list[AcceptedRow], int]:
    """The rows of a frame, and the bytes that stay allocated once the frame is let go."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        frame = copy_of(content)
        event = open_server().receive(frame)
        assert isinstance(event, RowsReceived)
        rows = event.rows
        del frame, event
        gc.collect()
        return rows, tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("as_text", [False, True], ids=["bytes", "text"])
@pytest.mark.parametrize("row", [LPR_ROW, FACE_ROW, HEALTH_ROW], ids=lambda row: type(row).__name__)
def test_frame_is_freed_while_its_rows_live(row: Row, as_text: bool) -> None:
    rows, held = held_after(frame_with_padding(v1.encode_row(row), as_text=as_text))
    assert len(rows) == 1
    assert held < 100_000


def test_frame_of_a_good_row_beside_a_bad_one_is_freed() -> None:
    row = v1.encode_row(HEALTH_ROW)
    bad = row.replace(b'"camera"', b"5")
    padded = bad[:-1] + b',"of_tomorrow":"' + b"x" * PADDING + b'"}'
    rows, held = held_after(v1.encode_rows_frame(1, [row, padded]))
    assert len(rows) == 1
    assert held < 100_000


def test_classic_message_is_freed_while_its_row_lives() -> None:
    message = json.loads('{"table":"health_monitor","data":{"checkpoint_id":"1","component":"c"}}')
    message["data"] |= {"status": "PASS", "timestamp": "2024-08-06T10:30:00", "system_info": {}}
    message["data"]["of_tomorrow"] = "x" * PADDING
    tracemalloc.start()
    try:
        row = classic_session().receive(json.dumps(message))
        assert isinstance(row, AcceptedRow)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 200_000
