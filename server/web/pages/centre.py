"""What the pages are given: questions to the store, accounts, and what the running server knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from server.accounts.contract import Accounts, Auditor
from server.storage.reading.cameras import Cameras
from server.storage.reading.data import DataOverview, Pruning
from server.storage.reading.sightings import Corrections, Sightings


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """`connected` names the devices with a line open now; times are shown in `zone`."""

    sightings: Sightings
    corrections: Corrections
    cameras: Cameras
    data: DataOverview
    pruning: Pruning
    accounts: Accounts
    auditor: Auditor
    connected: Callable[[], frozenset[str]]
    now: Callable[[], datetime]
    zone: tzinfo
    version: str
