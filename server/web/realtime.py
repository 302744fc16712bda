"""WebSocket /analytics/realtime: the newest figures at connection and every few seconds after."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from websockets.frames import CloseCode

from server.accounts.permissions import Permission
from server.web.security.demands import requires

INTERVAL_S: Final = 5.0
PATIENCE_S: Final = 5.0
"""Who does not take a message within this is dropped: nobody waits for a slow reader."""
MOST_READERS: Final = 100

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between messages, and how long one may take to be taken."""

    interval_s: float = INTERVAL_S
    patience_s: float = PATIENCE_S


class Feed:
    """Asks for the figures once for all readers. Lives on the event loop."""

    def __init__(
        self, look: Callable[[], Awaitable[Mapping[str, Any]]], *, pace: Pace | None = None
    ) -> None:
        """`look` gives the message of the moment as plain JSON values."""
        self._look = look
        self._pace = pace or Pace()
        self._newest: str | None = None
        self._latest: Mapping[str, Any] | None = None
        self._changed = asyncio.Event()
        self._readers = 0

    @property
    def readers(self) -> int:
        return self._readers

    @property
    def latest(self) -> Mapping[str, Any] | None:
        """The newest message; None before the first."""
        return self._latest

    async def run(self) -> None:
        """Looks until it is cancelled, also while nobody reads: the first message of a connection
        tells of the minute before it."""
        while True:
            self._latest = await self._look()
            self._newest = json.dumps(self._latest)
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()
            await asyncio.sleep(self._pace.interval_s)

    async def serve(self, socket: WebSocket) -> None:
        """One reader, until it goes or is too slow."""
        if self._readers >= MOST_READERS:
            await socket.close(CloseCode.TRY_AGAIN_LATER, "too many look already")
            return
        await socket.accept()
        self._readers += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send_all(socket))
                await _gone(socket)
                sending.cancel()
        except* TimeoutError:
            _log.info("a reader of the realtime figures was too slow and is dropped")
        except* WebSocketDisconnect:
            pass
        finally:
            self._readers -= 1

    async def _send_all(self, socket: WebSocket) -> None:
        """Raises TimeoutError where a message is not taken."""
        async for text in self._messages():
            async with asyncio.timeout(self._pace.patience_s):
                await socket.send_text(text)

    async def _messages(self) -> AsyncIterator[str]:
        """The newest now, then each that follows; those that came while one was sent are left
        out."""
        while True:
            changed = self._changed
            if self._newest is not None:
                yield self._newest
            await changed.wait()


def add_realtime(app: FastAPI, feed: Feed) -> None:
    @app.websocket("/analytics/realtime", dependencies=[requires(Permission.SEE_SERVER)])
    async def realtime(socket: WebSocket) -> None:
        await feed.serve(socket)


async def _gone(socket: WebSocket) -> None:
    """Returns once the reader is gone; what it says is not listened to."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
