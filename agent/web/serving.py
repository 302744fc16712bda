"""The agent's own web port, for as long as the agent runs."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import structlog

from agent.web.application import Site
from agent.web.parts import AgentParts
from agent.web.password import PasswordFile
from guarding.origin import is_loopback
from telemetry.web_server import WebServer

log = structlog.get_logger(__name__)


def listener_on(host: str, port: int) -> socket.socket | None:
    """None where the port is taken or the address not this machine's: that costs the page, never
    the camera."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        log.error(
            "no page: set AGENT_WEB_PORT to a free port, AGENT_WEB_HOST to an address of this "
            "machine",
            url=url_of(host, port),
            error=str(error),
        )
        return None


def url_of(host: str, port: int) -> str:
    """For a browser: where every address is listened on, by this machine's name. An IPv6 address
    stands in brackets (RFC 3986, section 3.2.2)."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 (compared with)
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


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
