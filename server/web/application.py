"""The HTTP application: everything that the server answers beside the camera port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI

from server.web.health import HealthReport, add_health
from server.web.metrics import Figures, add_metrics
from telemetry.version import VERSION


def create_application(
    report: Callable[[], Awaitable[HealthReport]], figures: Figures | None = None
) -> FastAPI:
    """Everything that the server answers over HTTP; without `figures` no GET /metrics.

    No /docs: that page loads its scripts from elsewhere, and a server may have no way out.
    """
    app = FastAPI(title="Sightpost server", version=VERSION, docs_url=None, redoc_url=None)
    add_health(app, report)
    if figures is not None:
        add_metrics(app, figures)
    return app
