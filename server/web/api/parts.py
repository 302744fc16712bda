"""What the routes are given: questions to the store, the audit log, what the server knows now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from server.accounts.contract import Auditor
from server.storage.reading.library import Library
from telemetry.error_book import ErrorBook


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """`connected` names the devices with a line open now; times without offset are of `zone`."""

    library: Library
    errors: ErrorBook
    auditor: Auditor
    connected: Callable[[], frozenset[str]]
    now: Callable[[], datetime]
    zone: tzinfo
