"""The agent's own web port: `GET /health` says what it does right now, as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI


def build_web(status: Callable[[], dict[str, Any]]) -> FastAPI:
    """The application; `status` is called for each request, in a worker thread."""
    web = FastAPI(title="Sightpost agent", docs_url=None, redoc_url=None, openapi_url=None)

    @web.get("/health")
    def health() -> dict[str, Any]:
        return status()

    return web
