"""A browser's connection that cannot cost more than its share: how long and how large the head of a
request may be, and how many there are at once.

uvicorn waits for a head for ever, and its fast parser keeps whatever comes of it in memory.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of the connections of one server. A head, the request line and headers, has `head_s` from the
    beginning of the connection or from its first byte, and `head_bytes` and what was read with
    them; `connections` are open at once, further ones are closed."""

    head_s: float = 10.0
    head_bytes: int = 64 * 1024
    connections: int = 1000


class BoundedConnection(HttpToolsProtocol):
    """One connection. The time runs while a head is awaited."""

    def __init__(self, *, bounds: Bounds, **given: Any) -> None:
        super().__init__(**given)
        self._bounds = bounds
        self._ending: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            transport.close()
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._ending is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > self._bounds.head_bytes:
            self.transport.write(TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._ending is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._has_head()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._ending = self.loop.call_later(self._bounds.head_s, self.transport.close)

    def _has_head(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
