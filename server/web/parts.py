"""What the running server hands to its HTTP application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.accounts.contract import Accounts, Auditor, SigningIn
from server.channels.contract import Channels
from server.faces.history_contract import FaceGallery
from server.peer import Network
from server.watchlist.contract import Alerts, Watchlists
from server.web.api.parts import ApiParts
from server.web.health import Details, Report
from server.web.metrics import Figures
from server.web.realtime import Feed
from server.web.security.gate import Register
from server.web.security.rules import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """`figures` and `feed` None: there is no GET /metrics, and no live figures; `faces` None: no
    face gallery."""

    report: Report
    details: Details
    figures: Figures | None
    feed: Feed | None
    signing_in: SigningIn
    accounts: Accounts
    api: ApiParts
    watchlists: Watchlists
    alerts: Alerts
    channels: Channels
    faces: FaceGallery | None
    auditor: Auditor
    register: Register
    door: Door
    trusted_proxies: Sequence[Network] = ()
