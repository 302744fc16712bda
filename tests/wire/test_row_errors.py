"""What is wrong with a row is said by field, expectation and value, and hurts no other row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wire.examples import (
    EVICTION_ROW,
    FACE_ROW,
    HEALTH_ROW,
    LPR_ID,
    LPR_ROW,
    MINIMAL_LPR_ROW,
    PICTURE,
    ROWS,
)
from tests.wire.sessions import classic_session, open_server
from wire import v1
from wire.classic import ClassicRefused
from wire.errors import RETRYABLE, ErrorCode
from wire.limits import Limits
from wire.rows import Row
from wire.server_session import FrameRefused, RowsReceived


def changed(row: Row, path: str, value: Any) -> bytes:
    """The row's JSON with `value` at `path`; `...` takes the field out."""
    tree = json.loads(v1.encode_row(row))
    *steps, last = path.split(".")
    inner = tree
    for step in steps:
        inner = inner[int(step) if step.isdigit() else step]
    if value is ...:
        del inner[last]
    else:
        inner[int(last) if last.isdigit() else last] = value
    return json.dumps(tree).encode()


def received(*rows: bytes, limits: Limits | None = None) -> RowsReceived:
    event = open_server(limits).receive(v1.encode_rows_frame(3, list(rows)))
    assert isinstance(event, RowsReceived), event
    return event


LONG = "x" * 65
CASES: list[tuple[Row, str, Any, str, str]] = [
    (LPR_ROW, "data.confidence", "abc", "invalid_field", "expected float or null, got 'abc'"),
    (LPR_ROW, "data.confidence", 955, "invalid_field", "expected float <= 100.0, got 955"),
    (LPR_ROW, "data.confidence", -0.5, "invalid_field", "expected float >= 0.0, got -0.5"),
    (LPR_ROW, "data.license_plate", ..., "invalid_field", "expected a value, got nothing"),
    (LPR_ROW, "data.license_plate", None, "invalid_field", "expected str, got nothing"),
    (LPR_ROW, "data.license_plate", LONG, "invalid_field", "expected str of length <= 64, got 'x"),
    (LPR_ROW, "data.license_plate", "A\0", "invalid_field", "text without NUL characters, got 'A"),
    (
        LPR_ROW,
        "data.clock_state",
        "noon",
        "invalid_field",
        "expected one of synchronised, corrected, unsynchronised, got 'noon'",
    ),
    (
        LPR_ROW,
        "data.direction",
        5,
        "invalid_field",
        "expected one of approaching, receding, left, right, got 5",
    ),
    (
        LPR_ROW,
        "data.image_status",
        "invalid",
        "invalid_field",
        "expected one of present, missing, evicted, got 'invalid'",
    ),
    (LPR_ROW, "data.evidence", [1], "invalid_field", "expected a JSON object, got [1]"),
    (LPR_ROW, "data.evidence", {"a": "\0"}, "invalid_field", "text without NUL characters, got"),
    (LPR_ROW, "data.evidence", {"a": "x" * 65_536}, "invalid_field", "at most 65536 bytes of JSON"),
    (LPR_ROW, "data", "none", "invalid_field", "expected object, got 'none'"),
    (LPR_ROW, "image_sha256", "abc", "invalid_field", "expected str matching regex"),
    (LPR_ROW, "captured_at", "noon", "invalid_field", "expected an RFC 3339 time with offset"),
    (
        LPR_ROW,
        "captured_at",
        "2026-08-06T03:30:00",
        "invalid_field",
        "expected datetime with a timezone component, got '2026-08-06T03:30:00'",
    ),
    (
        LPR_ROW,
        "captured_at",
        "9999-12-31T23:59:59-05:00",
        "invalid_field",
        "expected a time between 1970 and 2200, got '9999-12-31 23:59:59-05:00'",
    ),
    (LPR_ROW, "trace", "x" * 5000, "invalid_field", "expected str matching regex"),
    (LPR_ROW, "trace", f"00-{'0' * 32}-{'1' * 16}-01", "invalid_field", "matching regex"),
    (LPR_ROW, "sequence", 0, "invalid_field", "expected a number from 1, got 0"),
    (LPR_ROW, "sequence", 2**53, "invalid_field", "expected int <= 9007199254740991, got 9007"),
    (LPR_ROW, "id", "not-an-id", "invalid_field", "expected a UUID in lower case, got 'not-an-id'"),
    (
        LPR_ROW,
        "id",
        LPR_ID.upper(),
        "invalid_field",
        "expected a UUID in lower case, got '0198835E",
    ),
    (
        LPR_ROW,
        "table",
        "users",
        "unknown_table",
        "expected one of lpr_detection, face_detection, health_monitor, eviction, got 'users'",
    ),
    (LPR_ROW, "action", "delete", "unknown_action", "expected insert, got 'delete'"),
    (FACE_ROW, "data.box", [1, 2, 3], "invalid_field", "expected array of length 4, got [1, 2, 3]"),
    (FACE_ROW, "data.landmarks.1.0", "x", "invalid_field", "expected float, got 'x'"),
    (
        FACE_ROW,
        "data.landmarks",
        [[0, 0]] * 107,
        "invalid_field",
        "expected array of length <= 106",
    ),
    (
        FACE_ROW,
        "data.embedding",
        "AAA=",
        "invalid_field",
        "expected float32 numbers, at most 16384",
    ),
    (FACE_ROW, "data.embedding", "!", "invalid_field", "expected base64, got '!'"),
    (HEALTH_ROW, "data.component", "", "invalid_field", "expected str of length >= 1, got ''"),
    (HEALTH_ROW, "data.system_info", 5, "invalid_field", "expected a JSON object or string, got 5"),
    (EVICTION_ROW, "data.kind", "all", "invalid_field", "expected one of picture, row, got 'all'"),
    (EVICTION_ROW, "data.evicted_table", 5, "invalid_field", "expected str, got 5"),
    (EVICTION_ROW, "data.count", -1, "invalid_field", "expected int >= 0, got -1"),
]


@pytest.mark.parametrize(
    ("row", "path", "value", "code", "said"), CASES, ids=[f"{c[1]}={c[2]!s:.12}" for c in CASES]
)
def test_error_names_field_expectation_and_value(
    row: Row, path: str, value: Any, code: str, said: str
) -> None:
    event = received(changed(row, path, value))
    assert not event.rows
    (result,) = event.refused
    assert result.code == code
    assert said in (result.message or "")
    field = path.replace(".1.0", "[1][0]")
    assert (result.message or "").startswith(f"{field}: expected ")
    assert not result.retry, "the same row will never be taken"
    assert len(result.message or "") < 300


def test_one_bad_row_does_not_spoil_its_neighbours() -> None:
    other = "0198835e-0000-7000-8000-000000000001"
    good = v1.encode_row(HEALTH_ROW)
    for _, path, value, _, _ in CASES[:3]:
        bad = changed(LPR_ROW, path, value)
        event = received(good, bad, changed(MINIMAL_LPR_ROW, "id", other))
        assert [row.id for row in event.rows] == [HEALTH_ROW.id, other]
        assert [result.id for result in event.refused] == [LPR_ID]


@pytest.mark.parametrize("name", ROWS)
def test_row_that_is_checked_beside_a_bad_one_is_the_same(name: str) -> None:
    """The slow path (rows read one by one) and the fast one agree."""
    row = v1.encode_row(ROWS[name])
    bad = changed(HEALTH_ROW, "data.component", 5).replace(
        HEALTH_ROW.id.encode(), b"0198835e-0000-7000-8000-000000000001"
    )
    assert received(row).rows == received(row, bad).rows


@pytest.mark.parametrize(
    "image",
    ["QUJD", "!!", "AAA", 5, ["x"], "/9j/4AAQ", " ", "ก"],
    ids=["no picture", "no base64", "cut base64", "number", "list", "cut", "space", "Thai"],
)
def test_bad_picture_never_loses_the_sighting(image: Any) -> None:
    event = received(v1.encode_row(HEALTH_ROW), changed(LPR_ROW, "data.image", image))
    assert not event.refused
    row = event.rows[1]
    assert (row.picture, row.image_status) == (None, "invalid")
    assert row.row.data.license_plate == "1กก 1234"  # type: ignore[union-attr] # it is an LprRow
    assert row.evidence == '{"model":"th_PP-OCRv5_rec_mobile","readings":[{"text":"1กก 1234"}]}'


def test_row_with_a_bad_picture_and_another_fault_names_the_other_fault() -> None:
    row = json.loads(changed(LPR_ROW, "data.image", "!!"))
    row["data"]["lux"] = "bright"
    (result,) = received(json.dumps(row).encode()).refused
    assert (result.message or "").startswith("data.lux: expected float or null, got 'bright'")


def test_picture_of_another_hash_or_too_large_is_marked_invalid() -> None:
    other = received(changed(LPR_ROW, "image_sha256", "0" * 64)).rows[0]
    assert (other.picture, other.image_status) == (None, "invalid")
    limits = Limits(picture_bytes=len(PICTURE) - 1)
    large = received(v1.encode_row(LPR_ROW), limits=limits).rows[0]
    assert (large.picture, large.image_status) == (None, "invalid")
    wide = received(v1.encode_row(LPR_ROW), limits=Limits(picture_pixels=63)).rows[0]
    assert (wide.picture, wide.image_status) == (None, "invalid")


@pytest.mark.parametrize(
    ("image", "said", "status"),
    [(None, None, "missing"), (None, "evicted", "evicted"), ("", "present", "missing")],
)
def test_status_of_a_row_without_picture(image: str | None, said: str | None, status: str) -> None:
    row = json.loads(changed(LPR_ROW, "data.image", image))
    row["data"]["image_status"] = said
    assert received(json.dumps(row).encode()).rows[0].image_status == status


def test_absent_origin_is_that_of_hello() -> None:
    row = received(v1.encode_row(MINIMAL_LPR_ROW)).rows[0]
    assert (row.device_id, row.epoch) == ("gate-north", "8f0c2d41")
    assert (row.checkpoint_id, row.hostname) == ("1", "aicamera")
    assert row.timestamp == "2026-08-06T03:30:00.250000+00:00"


def test_texts_are_taken_in_nfc_and_never_changed_otherwise() -> None:
    row = received(changed(MINIMAL_LPR_ROW, "data.license_plate", "กำ A\u0308 ")).rows[0]
    assert row.row.data.license_plate == "กำ Ä "  # type: ignore[union-attr] # it is an LprRow


def test_backslash_before_u0000_is_no_nul() -> None:
    """The JSON text of this value holds the letters backslash, u, 0, 0, 0, 0."""
    row = received(changed(LPR_ROW, "data.evidence", {"path": "C:\\u0000"})).rows[0]
    assert row.evidence == '{"path":"C:\\\\u0000"}'


def test_row_without_a_readable_id_refuses_the_frame() -> None:
    content = v1.encode_rows_frame(3, [v1.encode_row(HEALTH_ROW), changed(LPR_ROW, "id", 5)])
    event = open_server().receive(content)
    assert isinstance(event, FrameRefused)
    assert b"without a readable id" in event.answer


def test_retryable_codes_are_those_that_time_can_mend() -> None:
    assert {"busy", "storage_failed", "shutting_down"} == RETRYABLE
    assert len(ErrorCode) == 11


CLASSIC = (
    b'{"table":"lpr_detection","action":"insert","data":{"license_plate":"A","checkpoint_id":"1",'
    b'"timestamp":"2024-08-06T10:30:00","confidence":95.5,"image":null,"latitude":""}}'
)


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("95.5", '"abc"', "invalid_field", "data.confidence: expected float or null, got 'abc'"),
        ("95.5", '"nan"', "invalid_field", "data.confidence: expected float >= 0.0, got 'nan'"),
        ("95.5", "101", "invalid_field", "data.confidence: expected float <= 100.0, got 101"),
        (
            '"A"',
            '"A\\u0000"',
            "invalid_field",
            "data.license_plate: expected text without NUL characters, got 'A\\x00'",
        ),
        (
            '"image":null',
            '"image":"QUJD"',
            "invalid_field",
            "data.image: expected a complete JPEG or PNG as base64, got neither JPEG nor PNG",
        ),
        (
            '"image":null',
            '"image":"data:image/jpeg,abc"',
            "invalid_field",
            "data.image: expected base64 (bare, or behind data:image/jpeg;base64,), got 'data:",
        ),
        ('"image":null', '"image":"AAA"', "invalid_field", "data.image: expected base64 (bare"),
        ('"image":null', '"image":5', "invalid_field", "data.image: expected str or null, got 5"),
        (
            "2024-08-06T10:30:00",
            "yesterday",
            "invalid_field",
            "data.timestamp: expected an ISO 8601 time such as 2024-08-06T10:30:00+07:00, got 'yes",
        ),
        ('"checkpoint_id":"1",', "", "invalid_field", "data.checkpoint_id: expected a value"),
        (
            '"insert"',
            '"delete"',
            "unknown_action",
            "Unknown table/action: lpr_detection/delete; action: expected insert, got 'delete'",
        ),
        (
            '"table":"lpr_detection"',
            '"table":"eviction"',
            "unknown_table",
            "Unknown table/action: eviction/insert; table: expected lpr_detection or health_mon",
        ),
        ('"table":"lpr_detection",', "", "invalid_field", "table: expected a value, got nothing"),
        ('"lpr_detection"', "5", "unknown_table", "table: expected one of lpr_detection"),
        ("}}", "}", "invalid_json", "not valid JSON: "),
    ],
)
def test_classic_error_names_field_expectation_and_value(
    old: str, new: str, code: str, said: str
) -> None:
    content = CLASSIC.decode()
    assert old in content
    event = classic_session().receive(content.replace(old, new))
    assert isinstance(event, ClassicRefused)
    assert event.error.code == code
    assert event.error.message.startswith(said)


@pytest.mark.parametrize("data", ["[]", "5", '"x"', "null"])
def test_classic_data_of_the_wrong_kind_is_named(data: str) -> None:
    event = classic_session().receive(f'{{"table":"lpr_detection","data":{data}}}')
    assert isinstance(event, ClassicRefused)
    assert event.error.message.startswith("data: expected object")
    assert event.error.field == "data"
