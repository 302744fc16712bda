"""How the state of a camera or component looks: a word and a level, good, warn or bad. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from server.storage.reading.cameras import CameraCard, CameraState, ComponentHealth

LEVELS: Final = {
    CameraState.ONLINE: "good",
    CameraState.LATE: "warn",
    CameraState.SILENT: "bad",
}
STATUS_LEVELS: Final = {"PASS": "good", "WARN": "warn", "FAIL": "bad"}
CLOCK_WRONG_S: Final = 2.0
HOT_C: Final = 80.0
OLD_BACKLOG: Final = timedelta(minutes=10)
_ORDER: Final = {CameraState.SILENT: 0, CameraState.LATE: 1, CameraState.ONLINE: 2}


def urgency(camera: CameraCard) -> tuple[int, int, str]:
    """Sorts cameras by how much they need somebody: silent, late, faulty, then by name."""
    return (_ORDER[camera.state], -len(camera.faults), camera.device_id)


def faults_level(faults: Iterable[ComponentHealth]) -> str:
    """As bad as the worst of them."""
    return "bad" if any(STATUS_LEVELS.get(each.status) == "bad" for each in faults) else "warn"


def clock_level(offset_s: float | None) -> str | None:
    return "warn" if offset_s is not None and abs(offset_s) > CLOCK_WRONG_S else None


def heat_level(camera: CameraCard) -> str | None:
    if camera.throttled:
        return "bad"
    return "warn" if camera.temperature_c is not None and camera.temperature_c >= HOT_C else None


def backlog_level(oldest_at: datetime | None, now: datetime) -> str | None:
    return "warn" if oldest_at is not None and now - oldest_at > OLD_BACKLOG else None
