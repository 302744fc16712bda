"""GET /metrics: what the server says of itself to Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from fastapi import FastAPI, Request, Response

from server.accounts.permissions import Permission
from server.web.security.demands import requires
from telemetry.metrics import Reading, page_of
from telemetry.request_meter import MeteredRequests, RequestMeter


class Figures(Protocol):
    """What the running server can say of itself."""

    @property
    def requests(self) -> RequestMeter:
        """Counts what this application answers."""

    async def read(self) -> Sequence[Reading]:
        """Every figure of this moment."""


def add_metrics(app: FastAPI, figures: Figures) -> None:
    """Adds the page. Before the routes of others: FastAPI looks through routes in their order, and
    the first look into those of a router builds all of them, which takes a quarter of a second."""

    @app.get("/metrics", dependencies=[requires(Permission.SEE_SERVER)], include_in_schema=False)
    async def metrics(request: Request) -> Response:
        readings, accept = await figures.read(), request.headers.get("accept", "")
        # Of a thousand cameras it takes the loop's time otherwise.
        page = await asyncio.to_thread(page_of, readings, accept=accept)
        return Response(page.content, media_type=page.content_type)


def add_counting(app: FastAPI, figures: Figures) -> None:
    """Counts every request; the last middleware to be added, so that those count too which another
    one answers."""
    app.add_middleware(MeteredRequests, meter=figures.requests)
