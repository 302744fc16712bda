"""What the routes are given: questions to the store, the audit log, what the server knows now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from server.accounts.contract import Auditor
from server.storage.reading.cameras import Cameras
from server.storage.reading.data import DataOverview, Pruning
from server.storage.reading.services import ServiceHistory
from server.storage.reading.sightings import Corrections, Pictures, Sightings
from server.storage.reading.usage import UsageCounts
from telemetry.error_book import ErrorBook


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """`connected` names the devices with a line open now; times without offset are of `zone`."""

    sightings: Sightings
    pictures: Pictures
    corrections: Corrections
    cameras: Cameras
    data: DataOverview
    pruning: Pruning
    services: ServiceHistory
    usage: UsageCounts
    errors: ErrorBook
    auditor: Auditor
    connected: Callable[[], frozenset[str]]
    now: Callable[[], datetime]
    zone: tzinfo
