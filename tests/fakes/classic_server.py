"""A server that behaves as the older one did: plain base64, two tables, no ids, no subprotocol."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

MAX_PICTURE_BYTES = 5_000_000


@dataclass
class ClassicServer:
    """`fails` may name an error for a message, as a locked database would have."""

    fails: Callable[[dict[str, Any]], str | None] = lambda message: None
    saved: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    received: int = 0
    offered: list[str | None] = field(default_factory=list)
    url: str = ""

    async def handle(self, connection: ServerConnection) -> None:
        """Answers for as long as the client stays; closes nothing."""
        assert connection.request is not None
        self.offered.append(connection.request.headers.get("Sec-WebSocket-Protocol"))
        try:
            async for text in connection:
                self.received += 1
                answer = self._answer(text)
                await connection.send(json.dumps(answer))
        except ConnectionClosed:
            pass

    def _answer(self, text: str | bytes) -> dict[str, Any]:
        message = json.loads(text)
        named = {"table": message.get("table"), "action": message.get("action")}
        error = self._save(message)
        if error is not None:
            self.refused.append(error)
            return {"status": "error", "message": error, **named}
        return {
            "status": "success",
            "message": "Data saved successfully",
            "record_id": len(self.saved),
            **named,
        }

    def _save(self, message: dict[str, Any]) -> str | None:
        table, action, data = message["table"], message.get("action"), message["data"]
        if table not in ("lpr_detection", "health_monitor") or action != "insert":
            return f"Unknown table/action: {table}/{action}"
        picture = data.get("image")
        if picture:
            try:
                content = base64.b64decode(picture, validate=True)
            except binascii.Error:
                return "Invalid image data"
            if len(content) > MAX_PICTURE_BYTES:
                return "Image too large"
        error = self.fails(message)
        if error is None:
            self.saved.append(message)
        return error


@asynccontextmanager
async def serving_classic(server: ClassicServer) -> AsyncIterator[ClassicServer]:
    """The server on a free port; `server.url` says where."""
    async with serve(server.handle, "127.0.0.1", 0, max_size=16_000_000) as listening:
        (port,) = [sock.getsockname()[1] for sock in listening.sockets]
        server.url = f"ws://127.0.0.1:{port}/"
        yield server
