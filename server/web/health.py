"""GET /health: is the server fit to take rows, in a form for machines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Response
from pydantic import BaseModel


class HealthReport(BaseModel):
    """`status` is ok or failing; `reason` says why it is failing."""

    status: str
    database: str
    connections: int
    rows_received: int
    uptime_s: float
    version: str
    reason: str | None = None


def add_health(app: FastAPI, report: Callable[[], Awaitable[HealthReport]]) -> None:
    """Answers 200 while rows can be stored, 503 while not."""

    @app.get("/health", response_model_exclude_none=True)
    async def health(response: Response) -> HealthReport:
        found = await report()
        if found.status != "ok":
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return found
