"""The agent's own web port, for as long as the agent runs."""

from __future__ import annotations

import asyncio
import socket

import structlog
from fastapi import FastAPI

from telemetry.web_server import WebServer

log = structlog.get_logger(__name__)


async def serve(web: FastAPI, *, host: str, port: int, stop: asyncio.Event) -> None:
    """Until `stop`. A port that is taken costs the page, never the camera."""
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        log.error("no web port: set AGENT_WEB_PORT to a free one", port=port, error=str(error))
        return
    server = WebServer(web, listener)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.run_until_stopped())
        await stop.wait()
        server.stop()
