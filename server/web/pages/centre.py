"""What the pages are given: what the routes have, and accounts, lists, alerts, faces beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.accounts.contract import Accounts, Caller
from server.bell import Bell
from server.channels.contract import Channels
from server.faces.history_contract import FaceGallery
from server.troubles import Troubles
from server.watchlist.contract import Alerts, Watchlists
from server.web.api.parts import ApiParts
from server.web.health import Details


class Alarms(Protocol):
    """What tells open pages of new alerts."""

    async def on_page(self, caller: Caller) -> None:
        """Adds to the page that is built what will show them. Raises StorageUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre(ApiParts):
    """Times are shown in `zone`. `live` gives the newest message of /analytics/realtime, None where
    nothing is measured. `faces` None: there is no gallery. `alerted` rings with new alerts;
    `alarms` is what makes of that: None until pages are served. `troubles` knows what waits,
    `details` how the server and its machine fare."""

    watchlists: Watchlists
    alerts: Alerts
    channels: Channels
    alerted: Bell
    accounts: Accounts
    faces: FaceGallery | None
    live: Callable[[], Mapping[str, Any] | None]
    version: str
    details: Details
    alarms: Alarms | None = None
    troubles: Troubles = field(default_factory=Troubles)
