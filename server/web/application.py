"""The HTTP application, and the web server that runs it inside our own event loop."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

from server.web.health import HealthReport, add_health
from telemetry.version import VERSION

_STOP_S: Final = 2


def create_application(report: Callable[[], Awaitable[HealthReport]]) -> FastAPI:
    """Everything that the server answers over HTTP.

    No /docs: that page loads its scripts from elsewhere, and a server may have no way out.
    """
    app = FastAPI(title="Sightpost server", version=VERSION, docs_url=None, redoc_url=None)
    add_health(app, report)
    return app


class WebServer(uvicorn.Server):
    """Serves on a socket that is bound already; the program keeps its own signal handlers."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=_STOP_S,
            )
        )
        self._listener = listener

    async def run_until_stopped(self) -> None:
        """Returns after `stop`, when open requests were answered."""
        await self.serve(sockets=[self._listener])

    def stop(self) -> None:
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
