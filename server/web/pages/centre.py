"""What the pages are given: questions to the store, accounts, and what the running server knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Protocol

from server.accounts.contract import Accounts, Auditor, Caller
from server.bell import Bell
from server.channels.contract import Channels
from server.faces.history_contract import FaceGallery
from server.storage.reading.cameras import Cameras
from server.storage.reading.data import DataOverview, Pruning
from server.storage.reading.services import ServiceHistory
from server.storage.reading.sightings import Corrections, Sightings
from server.storage.reading.usage import UsageCounts
from server.watchlist.contract import Alerts, Watchlists
from telemetry.error_book import ErrorBook


class Alarms(Protocol):
    """What tells open pages of new alerts."""

    async def on_page(self, caller: Caller) -> None:
        """Adds to the page that is built what will show them. Raises StorageUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """`connected` names the devices with a line open now; times are shown in `zone`. `live` gives
    the newest message of /analytics/realtime, None where nothing is measured. `faces` None: there
    is no gallery. `alerted` rings with new alerts, `alarms` is what makes of that: None until pages
    are served."""

    sightings: Sightings
    corrections: Corrections
    cameras: Cameras
    data: DataOverview
    pruning: Pruning
    services: ServiceHistory
    watchlists: Watchlists
    alerts: Alerts
    channels: Channels
    alerted: Bell
    usage: UsageCounts
    errors: ErrorBook
    accounts: Accounts
    auditor: Auditor
    faces: FaceGallery | None
    connected: Callable[[], frozenset[str]]
    live: Callable[[], Mapping[str, Any] | None]
    now: Callable[[], datetime]
    zone: tzinfo
    version: str
    alarms: Alarms | None = None
