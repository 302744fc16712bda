"""GET /metrics: what the agent says of itself to Prometheus."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request, Response

from agent.web.parts import AgentParts
from telemetry.metrics import page_of
from telemetry.request_meter import MeteredRequests, RequestMeter

SERVICE: Final = "agent"


def add_metrics(app: FastAPI, parts: AgentParts) -> None:
    """Adds the page, and counts every request from here on; the last middleware to be added, so
    that those count too which the guard answers."""
    meter = RequestMeter(SERVICE)

    @app.get("/metrics", include_in_schema=False)
    def metrics(request: Request) -> Response:
        """Prometheus' text format, or OpenMetrics where that is asked for."""
        readings = [*parts.figures(), *meter.readings(), *parts.errors.readings(SERVICE)]
        page = page_of(readings, accept=request.headers.get("accept", ""))
        return Response(page.content, media_type=page.content_type)

    app.add_middleware(MeteredRequests, meter=meter)
