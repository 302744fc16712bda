"""What the running server hands to its HTTP application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.accounts.contract import SigningIn
from server.peer import Network
from server.web.health import Report
from server.web.metrics import Figures
from server.web.pages.centre import Centre
from server.web.realtime import Feed
from server.web.security.gate import Register
from server.web.security.rules import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """`figures` and `feed` None: there is no GET /metrics, and no live figures."""

    report: Report
    figures: Figures | None
    feed: Feed | None
    signing_in: SigningIn
    centre: Centre
    register: Register
    door: Door
    trusted_proxies: Sequence[Network] = ()
