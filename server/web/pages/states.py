"""How the state of a camera or component looks: a word and a level, good, warn or bad. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from server.storage.reading.cameras import (
    CameraCard,
    CameraDetail,
    CameraState,
    ComponentHealth,
)

LEVELS: Final = {
    CameraState.ONLINE: "good",
    CameraState.LATE: "warn",
    CameraState.SILENT: "bad",
}
STATUS_LEVELS: Final = {"PASS": "good", "WARN": "warn", "FAIL": "bad"}
CLOCK_WRONG_S: Final = 2.0
HOT_C: Final = 80.0
OLD_BACKLOG: Final = timedelta(minutes=10)
OLD_AFTER: Final = 3
"""Times as long as a camera lets pass until it says again how a component is."""
USUAL_INTERVAL_S: Final = 300.0
"""What HEALTH_CHECK_INTERVAL is where nobody has set it."""
SHORTEST_OLD: Final = timedelta(minutes=1)
"""What a camera says is some seconds on its way."""
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


def old_after(camera: CameraDetail) -> timedelta:
    """From when on what it said of a component is not how it is now."""
    try:
        interval_s = float(camera.settings.get("HEALTH_CHECK_INTERVAL", USUAL_INTERVAL_S))
        return max(OLD_AFTER * timedelta(seconds=interval_s), SHORTEST_OLD)
    except (TypeError, ValueError, OverflowError):  # whatever it wrote there
        return OLD_AFTER * timedelta(seconds=USUAL_INTERVAL_S)


def is_old(said_at: datetime | None, camera: CameraDetail, now: datetime) -> bool:
    """Whether what a camera said of a component, at `said_at` by its own clock, is not how it is
    now: it was said long ago, or the camera is not online."""
    if camera.card.state is not CameraState.ONLINE or said_at is None:
        return True
    by_our_clock = said_at + timedelta(seconds=camera.card.clock_offset_s or 0.0)
    return now - by_our_clock > old_after(camera)
