"""The port that the page listens on: opened when it is free, tried again while it is not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final

import structlog

RETRY_S: Final = 5.0

log = structlog.get_logger(__name__)


class PagePort:
    """`fault` says why there is no page now, empty where there is one; it may be read from any
    thread. A port that is taken costs the page, never the camera."""

    def __init__(self, host: str, port: int, *, retry_s: float = RETRY_S) -> None:
        self.host = host
        self._port = port
        self._retry_s = retry_s
        self.fault = ""

    @property
    def is_wanted(self) -> bool:
        """Port 0 stands for no page."""
        return self._port > 0

    def listener(self) -> socket.socket | None:
        """None where the port is taken or the address not this machine's: `fault` says which."""
        try:
            listener = socket.create_server((self.host, self._port), family=_family_of(self.host))
        except OSError as error:
            reason = str(error.strerror).partition(" (while")[0]  # it repeats the address
            fault = f"no page on {url_of(self.host, self._port)} ({reason})"
            if fault != self.fault:
                log.error(
                    "%s: set AGENT_WEB_PORT to a free port, AGENT_WEB_HOST to an address of this "
                    "machine; it is tried again",
                    fault,
                )
            self.fault = fault
            return None
        self.fault = ""
        return listener

    async def opened(self, stop: asyncio.Event) -> socket.socket | None:
        """The listener as soon as there can be one; None where `stop` comes first."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._retry_s)
                return None
            listener = self.listener()
            if listener is not None:
                return listener
        return None


def url_of(host: str, port: int) -> str:
    """For a browser: where every address is listened on, by this machine's name. An IPv6 address
    stands in brackets (RFC 3986, section 3.2.2)."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 (compared with)
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
