"""The HTTP application of a process that only takes rows: health, errors and metrics."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI

from server.accounts.contract import Caller
from server.peer import Network
from server.web.api.errors import errors_router
from server.web.errors import add_errors
from server.web.health import Details, Report, add_health
from server.web.metrics import Figures, add_counting, add_metrics
from server.web.security.gate import Gate
from server.web.security.rules import Door
from telemetry.error_book import ErrorBook
from telemetry.version import VERSION


class NobodyIsKnown:
    """Implements the gate's Register where there are no accounts."""

    async def caller_of(self, digest: bytes, address: str) -> Caller | None:
        del digest, address
        return None

    def note_session_use(self, digest: bytes) -> None:
        """There are no sessions."""


def create_watching(
    report: Report,
    details: Details,
    figures: Figures | None,
    *,
    door: Door,
    trusted_proxies: Sequence[Network],
    errors: ErrorBook,
) -> FastAPI:
    """`figures` None: there is no GET /metrics. What lies beyond whether the server works is for
    this machine alone."""
    app = FastAPI(
        title="Sightpost ingest", version=VERSION, docs_url=None, redoc_url=None, openapi_url=None
    )
    add_errors(app)
    add_health(app, report, details)
    errors_router(errors).put_into(app)
    app.add_middleware(Gate, register=NobodyIsKnown(), door=door, trusted_proxies=trusted_proxies)
    if figures is not None:
        add_metrics(app, figures)
        add_counting(app, figures)
    return app
