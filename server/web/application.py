"""The HTTP application: everything that the server answers beside the camera port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI

from server.web.health import HealthReport, add_health
from telemetry.version import VERSION


def create_application(report: Callable[[], Awaitable[HealthReport]]) -> FastAPI:
    """Everything that the server answers over HTTP.

    No /docs: that page loads its scripts from elsewhere, and a server may have no way out.
    """
    app = FastAPI(title="Sightpost server", version=VERSION, docs_url=None, redoc_url=None)
    add_health(app, report)
    return app
