"""The classic exchange byte for byte, as cameras in the field send it and servers answer."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import msgspec
import pytest

from tests.wire.examples import (
    GOLDEN,
    HEALTH_ROW,
    LPR_ROW,
    PICTURE,
    PICTURE_SHA256,
    golden,
)
from tests.wire.sessions import classic_session
from wire.accepted import AcceptedRow
from wire.classic import (
    ClassicAnswer,
    ClassicRefused,
    decode_classic_answer,
    encode_classic,
)
from wire.rows import HealthMonitor, LprDetection, Table

SENT_AT = datetime(2024, 8, 6, 3, 30, tzinfo=UTC)
MEASURED = LprDetection(
    license_plate="ABC1234", confidence=95.5, exposure_time=0.033, analog_gain=1.0, lux=250.0
)
NAMED = frozenset({"classic_lpr_bare_base64", "classic_lpr_detection"})
LPR: dict[str, tuple[LprDetection, float | None]] = {
    "classic_lpr_detection": (MEASURED, 95.5),
    "classic_lpr_bare_base64": (MEASURED, 95.5),
    "classic_lpr_null_image": (MEASURED, 95.5),
    "classic_lpr_thai_plate": (
        msgspec.structs.replace(MEASURED, license_plate="1กก 1234", confidence=0.955),
        95.5,
    ),
    "classic_lpr_null_numbers": (LprDetection(license_plate="ABC1234"), None),
    "classic_lpr_without_action": (msgspec.structs.replace(MEASURED, vehicle_type=" "), 95.5),
}
ANSWERS: dict[str, ClassicAnswer] = {
    "classic_answer_success": ClassicAnswer(
        status="success",
        message="Data saved successfully",
        record_id=12345,
        table="lpr_detection",
        action="insert",
    ),
    "classic_answer_invalid_field": ClassicAnswer(
        status="error",
        message="data.confidence: expected float or null, got 'abc'",
        table="lpr_detection",
        action="insert",
    ),
    "classic_answer_unknown_table": ClassicAnswer(
        status="error",
        message="Unknown table/action: users/insert; "
        "table: expected lpr_detection or health_monitor, got 'users'",
        table="users",
        action="insert",
    ),
}


def accepted(content: bytes | str) -> AcceptedRow:
    row = classic_session().receive(content)
    assert isinstance(row, AcceptedRow), row
    return row


@pytest.mark.parametrize("name", LPR)
def test_golden_detection_is_accepted_with_its_values(name: str) -> None:
    data, percent = LPR[name]
    row = accepted(golden(name))
    assert row == accepted(golden(name).decode())
    assert row.row.data == data
    assert row.confidence_percent == percent
    assert row.exchange == "classic"
    assert row.table is Table.LPR_DETECTION
    assert (row.checkpoint_id, row.hostname) == ("1", "aicamera")
    assert (row.timestamp, row.captured_at) == ("2024-08-06T10:30:00", SENT_AT)
    if name in NAMED:
        assert row.picture is not None
        assert (row.picture.content, row.picture.sha256) == (PICTURE, PICTURE_SHA256)
        assert row.image_status == "present"
    else:
        assert row.picture is None
        assert row.image_status == "missing"


def test_golden_health_message_is_accepted_with_its_values() -> None:
    row = accepted(golden("classic_health_monitor"))
    assert row.table is Table.HEALTH_MONITOR
    assert row.row.data == HealthMonitor(
        component="camera", status="PASS", message="Camera working normally"
    )
    assert row.evidence == (
        '{"python_version":"3.9.2","platform":"linux","memory_usage":"45%","cpu_usage":"12%"}'
    )
    assert (row.checkpoint_id, row.hostname, row.captured_at) == ("1", "aicamera", SENT_AT)


def test_stored_row_is_answered_with_the_golden_bytes() -> None:
    session = classic_session()
    row = accepted(golden("classic_lpr_detection"))
    assert session.stored(row, 12345) == golden("classic_answer_success")


def test_refusals_are_the_golden_bytes() -> None:
    session = classic_session()
    bad = golden("classic_lpr_detection").replace(b"95.5", b'"abc"')
    refused = session.receive(bad)
    assert isinstance(refused, ClassicRefused)
    assert refused.answer == golden("classic_answer_invalid_field")
    unknown = session.receive(b'{"table":"users","action":"insert","data":{}}')
    assert isinstance(unknown, ClassicRefused)
    assert unknown.answer == golden("classic_answer_unknown_table")


@pytest.mark.parametrize("name", ANSWERS)
def test_golden_answer_decodes(name: str) -> None:
    assert decode_classic_answer(golden(name)) == ANSWERS[name]
    assert decode_classic_answer(golden(name).decode()) == ANSWERS[name]


def test_agent_sends_the_older_server_the_golden_bytes() -> None:
    picture = base64.b64encode(PICTURE).decode()
    sent = encode_classic(LPR_ROW, checkpoint_id="1", hostname="aicamera", image=picture)
    assert sent == golden("classic_sent_lpr_detection")
    health = encode_classic(HEALTH_ROW, checkpoint_id="1", hostname="aicamera", image=None)
    assert health == golden("classic_sent_health_monitor")


def test_our_server_takes_what_our_agent_sends_to_an_older_one() -> None:
    assert accepted(golden("classic_sent_lpr_detection")).captured_at == LPR_ROW.captured_at
    assert accepted(golden("classic_sent_health_monitor")).captured_at == HEALTH_ROW.captured_at


def test_every_classic_golden_file_is_tested() -> None:
    sent = {"classic_health_monitor", "classic_sent_lpr_detection", "classic_sent_health_monitor"}
    names = {path.stem for path in GOLDEN.glob("classic_*.json")}
    assert names == LPR.keys() | ANSWERS.keys() | sent
