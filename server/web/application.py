"""The HTTP application: everything that the server answers beside the camera port."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from server.web.api.accounts import add_accounts
from server.web.api.alerts import add_alerts
from server.web.api.asked import only_known
from server.web.api.channels import add_channels
from server.web.api.faces import add_faces
from server.web.api.quick_search import QuickSearch
from server.web.api.routes import add_api
from server.web.api.watchlists import add_watchlists
from server.web.errors import add_errors
from server.web.health import add_health
from server.web.metrics import add_counting, add_metrics
from server.web.parts import WebParts
from server.web.realtime import add_realtime
from server.web.reference import add_reference
from server.web.security.gate import Gate
from server.web.security.signing import add_signing
from telemetry.version import VERSION


def create_application(parts: WebParts) -> FastAPI:
    """Everything that the server answers over HTTP. Every route states what it demands."""
    app = FastAPI(
        title="Sightpost server",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(only_known)],
        telemetry={"tracing": False, "metrics": False, "logs": False},  # telemetry/ has its own
    )
    add_errors(app)
    if parts.figures is not None:
        add_metrics(app, parts.figures)
    centre = parts.centre
    add_health(app, parts.report, centre.details, centre.faces)
    add_signing(app, parts.signing_in, centre.accounts)
    add_accounts(app, centre.accounts, centre.auditor)
    add_api(app, centre)
    add_watchlists(app, centre.watchlists, centre.zone)
    add_alerts(app, centre.alerts, centre.zone)
    add_channels(app, centre.channels)
    if centre.faces is not None:
        add_faces(app, centre.faces)
        app.add_middleware(QuickSearch, faces=centre.faces)
    add_reference(app)
    if parts.feed is not None:
        add_realtime(app, parts.feed)
    app.add_middleware(
        Gate,
        register=parts.register,
        door=parts.door,
        trusted_proxies=parts.trusted_proxies,
    )
    if parts.figures is not None:
        add_counting(app, parts.figures)
    return app
