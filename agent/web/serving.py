"""The agent's own web port, for as long as the agent runs."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import structlog

from agent.web.application import Site
from agent.web.parts import AgentParts
from agent.web.password import PasswordFile
from agent.web.port import url_of
from guarding.origin import is_loopback
from telemetry.web_server import WebServer

log = structlog.get_logger(__name__)


async def serve(
    parts: AgentParts, listener: socket.socket, *, host: str, stop: asyncio.Event
) -> None:
    """Until `stop`; `host` is what `listener` was opened on."""
    log.info("the page is up", url=url_of(host, listener.getsockname()[1]))
    if not is_loopback(host) and not PasswordFile.beside(parts.database).path.exists():
        log.warning(
            "nobody is let in to the page before a password is set: run python -m agent password"
        )
    with contextlib.closing(Site(parts, host=host, closing=stop)) as site:
        server = WebServer(site.app, listener)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run_until_stopped())
            await stop.wait()
            server.stop()
