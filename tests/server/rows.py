"""Rows as a store gets them, made by the wire's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tests.server.cameras import row_id
from wire.acceptance import accept_v1
from wire.accepted import AcceptedRow
from wire.limits import Limits
from wire.rows import HealthMonitor, HealthRow, LprDetection, LprRow
from wire.v1 import Hello

CAPTURED = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


def hello_of(device_id: str = "gate-1", epoch: str = "epoch-1", runs: Sequence[str] = ()) -> Hello:
    return Hello(
        device_id=device_id,
        epoch=epoch,
        hostname="gate-host",
        checkpoint_id="7",
        agent_version="0.1.0",
        time=CAPTURED,
        clock_state="synchronised",
        runs=list(runs),
    )


def accepted_health(
    sequence: int, *, device_id: str = "gate-1", epoch: str = "epoch-1", message: str = ""
) -> AcceptedRow:
    row = HealthRow(
        id=row_id(sequence),
        sequence=sequence,
        captured_at=CAPTURED,
        data=HealthMonitor(component="camera", status="PASS", message=message),
    )
    return accept_v1(row, hello_of(device_id, epoch), Limits())


def accepted_plate(
    sequence: int, *, device_id: str = "gate-1", image: bytes | None = None
) -> AcceptedRow:
    row = LprRow(
        id=row_id(sequence),
        sequence=sequence,
        captured_at=CAPTURED,
        data=LprDetection(license_plate=f"AB{sequence}", confidence=90.0, image=image),
    )
    return accept_v1(row, hello_of(device_id), Limits())
