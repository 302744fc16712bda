"""What tells a repeated row from another one under the same id."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.wire.examples import (
    EVICTION_ROW,
    FACE_ROW,
    HEALTH_ROW,
    HELLO,
    LPR_ROW,
    PICTURE,
    golden,
)
from tests.wire.sessions import classic_session
from wire.acceptance import accept_v1
from wire.accepted import AcceptedRow
from wire.limits import Limits
from wire.rows import Row
from wire.v1 import Hello


def fingerprint(row: Row, hello: Hello = HELLO) -> bytes:
    return accept_v1(row, hello, Limits()).fingerprint


def saying(row: Row, **changes: Any) -> Row:
    return msgspec.structs.replace(row, data=msgspec.structs.replace(row.data, **changes))


ROWS = (LPR_ROW, FACE_ROW, HEALTH_ROW, EVICTION_ROW)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_same_row_again_has_the_same_fingerprint(row: Row) -> None:
    assert fingerprint(row) == fingerprint(row)
    assert len(fingerprint(row)) == 16


def test_fingerprints_of_different_tables_differ() -> None:
    assert len({fingerprint(row) for row in ROWS}) == len(ROWS)


def test_picture_that_was_evicted_or_made_smaller_changes_nothing() -> None:
    evicted = saying(LPR_ROW, image=None, image_status="evicted")
    smaller = msgspec.structs.replace(saying(LPR_ROW, image=PICTURE + b"x"), image_sha256=None)
    assert fingerprint(evicted) == fingerprint(smaller) == fingerprint(LPR_ROW)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_time_that_was_set_right_changes_nothing(row: Row) -> None:
    later = msgspec.structs.replace(row, captured_at=row.captured_at + timedelta(days=400))
    right = saying(later, timestamp="2027-09-10T00:00:00Z", clock_state="corrected")
    assert fingerprint(right) == fingerprint(row)


@pytest.mark.parametrize(
    ("row", "changes"),
    [
        (LPR_ROW, {"license_plate": "1กก 1235"}),
        (LPR_ROW, {"license_plate": ""}),
        (LPR_ROW, {"confidence": 95.25}),
        (LPR_ROW, {"confidence": None}),
        (LPR_ROW, {"region": "eu"}),
        (FACE_ROW, {"box": (120, 64, 96, 113)}),
        (FACE_ROW, {"confidence": 88.0}),
        (HEALTH_ROW, {"component": "disk"}),
        (HEALTH_ROW, {"status": "FAIL"}),
        (HEALTH_ROW, {"message": "Camera is gone"}),
        (EVICTION_ROW, {"count": 13}),
        (EVICTION_ROW, {"first_sequence": 4}),
        (EVICTION_ROW, {"last_sequence": 15}),
        (EVICTION_ROW, {"kind": "picture"}),
    ],
)
def test_other_content_has_another_fingerprint(row: Row, changes: dict[str, Any]) -> None:
    assert fingerprint(saying(row, **changes)) != fingerprint(row)


def test_other_sequence_device_or_epoch_has_another_fingerprint() -> None:
    other = msgspec.structs.replace(LPR_ROW, sequence=LPR_ROW.sequence + 1)
    device = msgspec.structs.replace(HELLO, device_id="gate-south")
    epoch = msgspec.structs.replace(HELLO, epoch="8f0c2d42")
    prints = {
        fingerprint(LPR_ROW),
        fingerprint(other),
        fingerprint(LPR_ROW, device),
        fingerprint(LPR_ROW, epoch),
    }
    assert len(prints) == 4


def test_plates_that_differ_in_composition_only_are_the_same() -> None:
    one = saying(LPR_ROW, license_plate="A\u0308")
    assert fingerprint(one) == fingerprint(saying(LPR_ROW, license_plate="Ä"))


def classic(content: bytes) -> AcceptedRow:
    row = classic_session().receive(content)
    assert isinstance(row, AcceptedRow)
    return row


def test_repeated_classic_row_has_the_same_id_and_fingerprint() -> None:
    """Same checkpoint, hostname, timestamp, plate and picture: always a repeat, no conflict."""
    once = classic(golden("classic_lpr_detection"))
    bare = classic(golden("classic_lpr_bare_base64"))
    surer = classic(golden("classic_lpr_bare_base64").replace(b"95.5", b"96.5"))
    assert once.id == bare.id == surer.id
    assert once.fingerprint == bare.fingerprint == surer.fingerprint
    assert len(once.fingerprint) == 16


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ABC1234", "ABC1235"),
        ('"checkpoint_id":"1"', '"checkpoint_id":"2"'),
        ("aicamera", "aicamera2"),
        ("10:30:00", "10:30:01"),
        ("data:image/jpeg;base64,", ""),
    ],
)
def test_other_classic_row_has_another_id(old: str, new: str) -> None:
    content = golden("classic_lpr_detection").decode()
    assert old in content
    other = classic(content.replace(old, new).encode())
    same_picture = old.startswith("data:")
    assert (other.id == classic(content.encode()).id) is same_picture
    without = classic(golden("classic_lpr_null_image"))
    assert without.id != other.id
