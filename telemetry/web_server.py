"""Runs an HTTP application inside a program's own event loop, for both programs alike."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import Iterator
from typing import Final, cast

import uvicorn
from fastapi import FastAPI

from telemetry.web_connections import BoundedConnection, Bounds

_STOP_S: Final = 2
_LARGEST_MESSAGE_BYTES: Final = 1024 * 1024


class WebServer(uvicorn.Server):
    """Serves on a socket that is bound already; the program keeps its own signal handlers."""

    def __init__(
        self,
        app: FastAPI,
        listener: socket.socket,
        *,
        tls: ssl.SSLContext | None = None,
        trusts_proxies: bool = True,
        has_sockets: bool = False,
        bounds: Bounds | None = None,
    ) -> None:
        """`trusts_proxies`: whose request it is, is told by one on this machine; without it the
        application finds that out. `has_sockets`: it takes WebSockets too."""
        protocol = functools.partial(BoundedConnection, bounds=bounds or Bounds())
        super().__init__(
            uvicorn.Config(
                app,
                http=cast("type[asyncio.Protocol]", protocol),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="websockets-sansio" if has_sockets else "none",
                ws_max_size=_LARGEST_MESSAGE_BYTES,
                ws_per_message_deflate=False,  # it costs more memory a line than it saves
                timeout_graceful_shutdown=_STOP_S,
                proxy_headers=trusts_proxies,
                ssl_context_factory=None if tls is None else lambda _config, _default: tls,
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
