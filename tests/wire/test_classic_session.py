"""How generously classic messages are read, and what is still refused."""

from __future__ import annotations

import json
from datetime import UTC, tzinfo
from typing import Any

import pytest

from tests.wire.examples import EVICTION_ROW, FACE_ROW, LPR_ROW, MINIMAL_LPR_ROW, PICTURE, golden
from tests.wire.sessions import classic_session
from wire.accepted import AcceptedRow
from wire.classic import (
    ClassicRefused,
    ClassicServerSession,
    as_percent,
    decode_classic_answer,
    encode_classic,
)
from wire.errors import RowInvalid
from wire.limits import Limits
from wire.rows import LprDetection, Row


def message(table: str = "lpr_detection", **changes: Any) -> str:
    name = "classic_lpr_null_image" if table == "lpr_detection" else "classic_health_monitor"
    tree = json.loads(golden(name))
    tree["data"] |= changes
    return json.dumps(tree, ensure_ascii=False)


def accepted(content: str | bytes) -> AcceptedRow:
    row = classic_session().receive(content)
    assert isinstance(row, AcceptedRow), row
    return row


def lpr(**changes: Any) -> LprDetection:
    data = accepted(message(**changes)).row.data
    assert isinstance(data, LprDetection)
    return data


@pytest.mark.parametrize("text", ["13.70", "1e5", "007", "null", "NaN", "true", " 13.7 "])
def test_latitude_that_is_text_stays_the_text_it_is(text: str) -> None:
    """The decoder is not strict, so that "95.5" may be a number; texts must not suffer."""
    assert lpr(latitude=text, longitude=text).latitude == text


def test_latitude_that_is_a_number_becomes_its_text() -> None:
    assert (lpr(latitude=13.7).latitude, lpr(latitude=None).latitude) == ("13.7", "")


@pytest.mark.parametrize("text", ["NULL", "null", "None", "007", "1e5", "true", "1กก 1234"])
def test_plate_and_checkpoint_that_look_like_something_else_stay_text(text: str) -> None:
    assert lpr(license_plate=text).license_plate == text
    assert accepted(message(checkpoint_id=text, hostname=text)).checkpoint_id == text


def test_checkpoint_that_is_a_number_becomes_its_text() -> None:
    assert accepted(message(checkpoint_id=7)).checkpoint_id == "7"


@pytest.mark.parametrize(("said", "number"), [("95.5", 95.5), ("0", 0.0), (95, 95.0), ("1e1", 10)])
def test_confidence_that_is_a_number_in_quotes_is_a_number(said: Any, number: float) -> None:
    assert lpr(confidence=said).confidence == number


@pytest.mark.parametrize(
    "value", ["abc", "", "nan", "inf", "-Infinity", "1e999", True, [], {}, -0.1, 100.1, "101", " 5"]
)
def test_confidence_that_is_no_percentage_is_refused(value: Any) -> None:
    event = classic_session().receive(message(confidence=value))
    assert isinstance(event, ClassicRefused)
    assert event.error.field == "data.confidence"


@pytest.mark.parametrize(
    ("raw", "percent"),
    [(None, None), (0, 0), (0.955, 95.5), (0.57, 57.0), (1, 100), (1.5, 1.5), (95.5, 95.5)],
)
def test_confidence_up_to_1_is_a_fraction_and_above_percent(
    raw: float | None, percent: float | None
) -> None:
    assert as_percent(raw) == percent
    row = accepted(message(confidence=raw))
    assert row.confidence_percent == percent
    assert isinstance(row.row.data, LprDetection)
    assert row.row.data.confidence == raw, "the raw value is kept"


@pytest.mark.parametrize("image", [None, ""])
def test_image_null_empty_or_missing_is_no_picture(image: str | None) -> None:
    assert accepted(message(image=image)).image_status == "missing"
    tree = json.loads(message())
    del tree["data"]["image"]
    assert accepted(json.dumps(tree)).image_status == "missing"


def test_base64_with_line_breaks_is_taken() -> None:
    bare = json.loads(golden("classic_lpr_bare_base64"))["data"]["image"]
    broken = "\r\n".join(bare[at : at + 76] for at in range(0, len(bare), 76)) + "\n"
    row = accepted(message(image=broken))
    assert row.picture is not None
    assert row.picture.content == PICTURE


@pytest.mark.parametrize(
    "image",
    ["data:", "data:image/jpeg;base64,", "data:image/jpeg,AAAA", "AAA", "AAAA====", "AA=A", "-_AA"],
)
def test_picture_that_is_none_is_refused_and_named(image: str) -> None:
    event = classic_session().receive(message(image=image))
    assert isinstance(event, ClassicRefused)
    assert event.error.field == "data.image"


def test_picture_beyond_the_limits_is_refused() -> None:
    content = golden("classic_lpr_bare_base64")
    for limits in (Limits(picture_bytes=100), Limits(picture_pixels=10)):
        event = classic_session(limits).receive(content)
        assert isinstance(event, ClassicRefused)
        assert "at most" in event.error.message


@pytest.mark.parametrize("action", ["insert", "", None])
def test_action_insert_empty_null_or_missing_is_insert(action: str | None) -> None:
    tree = json.loads(message())
    assert accepted(json.dumps(tree | {"action": action})).image_status == "missing"


def test_system_info_may_be_an_object_text_null_or_missing() -> None:
    assert accepted(message("health", system_info={"a": 1})).evidence == '{"a": 1}'
    assert accepted(message("health", system_info="3.9")).evidence == '"3.9"'
    assert accepted(message("health", system_info=None)).evidence is None
    refused = classic_session().receive(message("health", system_info=[1]))
    assert isinstance(refused, ClassicRefused)
    assert refused.error.message == ("data.system_info: expected a JSON object or string, got [1]")


def test_zone_is_asked_for_the_checkpoint_of_the_row() -> None:
    asked: list[str] = []

    def zone_of(checkpoint: str) -> tzinfo:
        asked.append(checkpoint)
        return UTC

    session = ClassicServerSession(device_id="camera", limits=Limits(), zone_of=zone_of)
    session.receive(message(checkpoint_id="gate 3"))
    assert asked == ["gate 3"]


def test_answer_repeats_at_most_64_characters_of_table_and_action() -> None:
    event = classic_session().receive(
        json.dumps({"table": "t" * 1000, "action": "a" * 1000, "data": {}})
    )
    assert isinstance(event, ClassicRefused)
    answer = decode_classic_answer(event.answer)
    assert (answer.table, answer.action) == ("t" * 64, "a" * 64)
    assert answer.message.startswith("Unknown table/action: t")
    assert len(answer.message) < 400


def test_row_that_cannot_be_stored_is_answered_with_an_error() -> None:
    row = accepted(message())
    answer = decode_classic_answer(classic_session().failed(row, "the disk is full"))
    assert (answer.status, answer.message) == ("error", "the disk is full")
    assert (answer.table, answer.record_id) == ("lpr_detection", None)


@pytest.mark.parametrize("row", [FACE_ROW, EVICTION_ROW])
def test_tables_that_the_classic_exchange_lacks_cannot_be_encoded(row: Row) -> None:
    with pytest.raises(ValueError, match=f"no table for {type(row).__name__}"):
        encode_classic(row, checkpoint_id="1", hostname="h", image=None)


def test_row_without_camera_text_is_sent_with_its_capture_time() -> None:
    """The older server's table needs a timestamp."""
    content = encode_classic(MINIMAL_LPR_ROW, checkpoint_id="1", hostname="h", image=None)
    data = json.loads(content)["data"]
    assert data["timestamp"] == "2026-08-06T03:30:00.250000+00:00"
    assert data["image"] is None
    assert json.loads(encode_classic(LPR_ROW, checkpoint_id="9", hostname="h", image=None))["data"][
        "timestamp"
    ].endswith("+07:00")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"status":"fine","message":""}', b"\xff"])
def test_answer_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(RowInvalid):
        decode_classic_answer(content)


def test_answer_of_an_older_server_without_table_is_read() -> None:
    answer = decode_classic_answer('{"status":"error","message":"Invalid JSON format"}')
    assert (answer.status, answer.table) == ("error", None)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_number_that_json_has_not_is_read_as_null(constant: str) -> None:
    """Python's own json module, with which older senders write, emits these."""
    content = message(lux=12345.5).replace("12345.5", constant)
    assert constant in content
    data = accepted(content).row.data
    assert isinstance(data, LprDetection)
    assert data.lux is None


def test_text_that_names_no_number_is_still_invalid_json() -> None:
    answer = classic_session().receive('{"table": NaN')
    assert isinstance(answer, ClassicRefused)
    assert "JSON" in answer.error.message


@pytest.mark.parametrize("beside", ['"\\ud800"', str(10**30), "[" * 5000 + "]" * 5000])
def test_a_message_with_nan_that_cannot_be_mended_is_refused(beside: str) -> None:
    """Found by benchmarks.fuzz_ingest: it ended the connection with 1011."""
    session = ClassicServerSession(device_id=None, limits=Limits(), zone_of=lambda _: UTC)
    content = f'{{"table": "lpr_detection", "data": {{"lux": NaN, "other": {beside}}}}}'
    refused = session.receive(content)
    assert isinstance(refused, ClassicRefused)
    assert refused.error.message
