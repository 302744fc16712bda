"""Puts the pages on the server's HTTP application and runs what they need in the server's loop.

NiceGUI has one application in a process, so there is one set of pages too: a server that is
started later in the same process takes it over.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from fastapi import FastAPI
from nicegui import app as pages_app
from nicegui import ui
from starlette.middleware import Middleware

from server.supervision import beside
from server.web.pages.account import add_account
from server.web.pages.alarms import AlarmBoard
from server.web.pages.alerts import add_alerts
from server.web.pages.audit_log import add_audit_log
from server.web.pages.cameras import add_cameras
from server.web.pages.centre import Centre
from server.web.pages.channels import add_channels
from server.web.pages.coming_back import ComingBack
from server.web.pages.data import add_data
from server.web.pages.enrolling import add_enrolling
from server.web.pages.errors import add_errors
from server.web.pages.failures import add_failures
from server.web.pages.identify import add_identify
from server.web.pages.leaving import Leaving
from server.web.pages.live import LiveBoard
from server.web.pages.matches import add_matches
from server.web.pages.overview import add_overview
from server.web.pages.performance import add_performance
from server.web.pages.person import add_person
from server.web.pages.persons import add_persons
from server.web.pages.report import add_report
from server.web.pages.sightings import add_sightings
from server.web.pages.statics import FOLDER
from server.web.pages.users import add_users
from server.web.pages.viewer import add_viewer
from server.web.pages.viewing import PATIENCE_S, Viewers
from server.web.pages.watchlists import add_watchlists

_RECONNECT_S: Final = 10.0
"""A page outlives so long a break of its line; pings go at 0.8 of it."""


@contextlib.asynccontextmanager
async def pages_on(
    app: FastAPI, centre: Centre, *, patience_s: float = PATIENCE_S
) -> AsyncIterator[None]:
    """All pages are on `app` inside `async with`; what `app` has already keeps its paths.

    A browser that does not show what it is sent within `patience_s` is let go.
    """
    board = LiveBoard(
        centre.library.cameras, centre.library.sightings, connected=centre.connected, now=centre.now
    )
    viewers = Viewers(patience_s=patience_s)
    alarms = AlarmBoard(centre.alerts, centre.alerted, centre.zone)
    centre = replace(centre, alarms=alarms)
    logging.getLogger("nicegui").setLevel(logging.ERROR)  # pages not found are no news
    pages_app.middleware_stack = None  # of a server before this one in the process
    pages_app.user_middleware.clear()
    pages_app.add_middleware(ComingBack)
    app.user_middleware.append(Middleware(Leaving))  # the last before them
    add_failures(app, centre)
    add_overview(centre, board, viewers)
    add_sightings(centre)
    add_viewer(centre)
    add_alerts(centre)
    add_watchlists(centre)
    add_channels(centre)
    add_cameras(centre)
    add_persons(centre)
    add_person(centre)
    add_enrolling(centre)
    add_identify(centre)
    add_matches(centre)
    add_data(centre)
    add_performance(centre)
    add_report(centre)
    add_errors(centre)
    add_account(centre)
    add_users(centre)
    add_audit_log(centre)
    ui.run_with(
        app,
        title="Sightpost",
        favicon=FOLDER / "icon.svg",
        language="en-US",
        binding_refresh_interval=None,
        reconnect_timeout=_RECONNECT_S,
        tailwind=False,
        show_welcome_message=False,
    )
    async with (
        app.router.lifespan_context(app),
        beside({"overview": board.run, "alarms": alarms.run}),
    ):
        try:
            yield
        finally:
            await viewers.close()
