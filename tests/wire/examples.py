"""The messages of tests/wire/golden as values: what each file must decode to and come from."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from wire.limits import Credit
from wire.rows import (
    Eviction,
    EvictionRow,
    FaceDetection,
    FaceRow,
    HealthMonitor,
    HealthRow,
    LprDetection,
    LprRow,
    Row,
    raw_json,
)
from wire.v1 import (
    Acks,
    FrameRefusal,
    Hello,
    RowResult,
    Rows,
    WatchedPlate,
    Watchlist,
    Welcome,
)

GOLDEN: Final = Path(__file__).parent / "golden"
BANGKOK: Final = timezone(timedelta(hours=7))
CAPTURED: Final = datetime(2026, 8, 6, 3, 30, 0, 250000, tzinfo=UTC)
LPR_ID: Final = "0198835e-1b7a-7c3e-9a51-2f6d8c40b1e7"
FACE_ID: Final = "0198835e-1f62-7d10-8b3c-6a9f04e2d5c8"
HEALTH_ID: Final = "0198835e-234a-7e81-a2d4-90b7c6f3e115"
EVICTION_ID: Final = "0198835e-2732-7f9b-bc60-1d5e8a7f4c32"
PICTURE_SHA256: Final = "3005775cfbd40eb9393aec86bb1b599b9b7e1e06e06bf5b9a431a006c6d1574a"
PICTURE: Final = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI////////////////"
    "////////////////////////////////////wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/E"
    "ABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z"
)
"""A gray JPEG of 8x8 pixels, the smallest that is still a whole picture."""


def golden(name: str) -> bytes:
    """The bytes of a golden message: the file without its last line feed."""
    content = (GOLDEN / f"{name}.json").read_bytes()
    assert content.endswith(b"\n"), f"{name}.json must end with a line feed"
    return content[:-1]


HELLO: Final = Hello(
    device_id="gate-north",
    epoch="8f0c2d41",
    hostname="aicamera",
    checkpoint_id="1",
    agent_version="0.1.0",
    time=datetime(2026, 8, 6, 10, 30, 1, tzinfo=BANGKOK),
    clock_state="synchronised",
    waiting_rows=42,
    runs=["b1946ac92492d234", "5d41402abc4b2a76"],
    epoch_after=18,
)

LPR_ROW: Final = LprRow(
    id=LPR_ID,
    sequence=1017,
    captured_at=CAPTURED,
    image_sha256=PICTURE_SHA256,
    data=LprDetection(
        checkpoint_id="1",
        hostname="aicamera",
        timestamp="2026-08-06T10:30:00.250000+07:00",
        clock_state="synchronised",
        image=PICTURE,
        image_status="present",
        evidence=raw_json({"model": "th_PP-OCRv5_rec_mobile", "readings": [{"text": "1กก 1234"}]}),
        license_plate="1กก 1234",
        confidence=95.5,
        vehicle_type="car",
        vehicle_color="white",
        latitude="13.7563",
        longitude="100.5018",
        exposure_time=0.033,
        analog_gain=1.0,
        lux=250.0,
        region="th",
        direction="approaching",
        dwell_s=1.75,
    ),
)

FACE_ROW: Final = FaceRow(
    id=FACE_ID,
    sequence=1018,
    captured_at=CAPTURED,
    data=FaceDetection(
        image_status="evicted",
        confidence=88.25,
        quality=0.75,
        box=(120, 64, 96, 112),
        landmarks=[(140.5, 96.0), (190.25, 95.0)],
        embedding=bytes.fromhex("0000803f00000000"),
        embedding_model="arcface-r50",
        dwell_s=0.5,
    ),
)

HEALTH_ROW: Final = HealthRow(
    id=HEALTH_ID,
    sequence=1019,
    captured_at=CAPTURED,
    data=HealthMonitor(
        component="camera",
        status="PASS",
        message="Camera working normally",
        system_info=raw_json({"platform": "linux", "memory_usage": "45%"}),
    ),
)

EVICTION_ROW: Final = EvictionRow(
    id=EVICTION_ID,
    sequence=1020,
    captured_at=CAPTURED,
    data=Eviction(
        kind="row",
        reason="quota",
        evicted_table="lpr_detection",
        count=12,
        size_bytes=540000,
        first_sequence=3,
        last_sequence=14,
        message="the disk was full",
    ),
)

MINIMAL_LPR_ROW: Final = LprRow(
    id=LPR_ID, sequence=1, captured_at=CAPTURED, data=LprDetection(license_plate="ABC1234")
)

TRACED_LPR_ROW: Final = LprRow(
    id=LPR_ID,
    sequence=1,
    captured_at=CAPTURED,
    trace="00-0198835e1b7a7c3e9a512f6d8c40b1e7-9a512f6d8c40b1e7-01",
    data=LprDetection(license_plate="ABC1234"),
)

ROWS: Final[dict[str, Row]] = {
    "v1_rows_lpr_detection": LPR_ROW,
    "v1_rows_lpr_detection_minimal": MINIMAL_LPR_ROW,
    "v1_rows_lpr_detection_traced": TRACED_LPR_ROW,
    "v1_rows_face_detection": FACE_ROW,
    "v1_rows_health_monitor": HEALTH_ROW,
    "v1_rows_eviction": EVICTION_ROW,
}

CLIENT_MESSAGES: Final[dict[str, Hello | Rows]] = {
    "v1_hello": HELLO,
    "v1_hello_watching": Hello(
        device_id="gate-north",
        epoch="8f0c2d41",
        hostname="aicamera",
        checkpoint_id="1",
        agent_version="0.1.0",
        time=datetime(2026, 8, 6, 10, 30, 1, tzinfo=BANGKOK),
        clock_state="synchronised",
        watchlist="8b5131f0f399e8413ee749532c872eba",
    ),
    **{name: Rows(frame=7, rows=[row]) for name, row in ROWS.items()},
    "v1_rows_mixed": Rows(frame=8, rows=[HEALTH_ROW, EVICTION_ROW, MINIMAL_LPR_ROW]),
}

SERVER_MESSAGES: Final[dict[str, Welcome | Acks | FrameRefusal | Watchlist]] = {
    "v1_watchlist": Watchlist(
        version="8b5131f0f399e8413ee749532c872eba",
        part=1,
        parts=1,
        plates=[
            WatchedPlate(plate="1กก1234", valid_until=datetime(2026, 12, 31, 17, 0, tzinfo=UTC)),
            WatchedPlate(plate="AB?12*", matching="exact"),
        ],
    ),
    "v1_welcome": Welcome(
        last_sequence=1016,
        credit=Credit(rows=256, bytes=4_194_304),
        max_frame_bytes=8_388_608,
        time=datetime(2026, 8, 6, 3, 30, 1, 500000, tzinfo=UTC),
        rows_stored=998,
        run="7d793037a0760186",
        known_run="b1946ac92492d234",
    ),
    "v1_welcome_small_frames": Welcome(
        last_sequence=0,
        credit=Credit(rows=16, bytes=65_536),
        max_frame_bytes=1_048_576,
        max_frame_rows=64,
        time=datetime(2026, 8, 6, 3, 30, 1, 500000, tzinfo=UTC),
    ),
    "v1_acks": Acks(
        frame=8,
        credit=Credit(rows=256, bytes=4_194_304),
        results=[
            RowResult(id=HEALTH_ID, success=True, record_id=90210),
            RowResult(id=EVICTION_ID, success=True, record_id=33, duplicate=True),
            RowResult(
                id=LPR_ID,
                success=False,
                code="invalid_field",
                message="data.confidence: expected float <= 100.0, got 955",
            ),
        ],
        rows_stored=1000,
    ),
    "v1_acks_retry": Acks(
        frame=9,
        credit=Credit(rows=1, bytes=65_536),
        results=[
            RowResult(
                id=LPR_ID,
                success=False,
                code="storage_failed",
                message="the disk is full",
                retry=True,
                retry_after_s=30.0,
            )
        ],
    ),
    "v1_refusal": FrameRefusal(
        code="too_large", message="rows: 600 in one frame, at most 512 are taken", frame=10
    ),
    "v1_refusal_unnumbered": FrameRefusal(
        code="invalid_json", message="not valid JSON: Input data was truncated"
    ),
    "v1_refusal_retry": FrameRefusal(
        code="busy", message="too many rows wait", frame=11, retry=True, retry_after_s=2.5
    ),
}
