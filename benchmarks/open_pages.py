"""Many open pages of the centre, held as browsers hold them, without the browsers."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

import httpx
import socketio

_CLIENT: Final = re.compile(r"""["']client_id["']:\s*["']([0-9a-f-]+)""")


class OpenPages:
    """Overviews of several accounts, while inside `async with`. Each answers what the server asks
    of it, so that it is kept up to date."""

    def __init__(self, url: str, accounts: Sequence[str], password: str) -> None:
        self._url = url
        self._accounts = accounts
        self._password = password
        self._lines: list[socketio.AsyncClient] = []
        self.updates = 0

    @property
    def live(self) -> int:
        """Those of which the line is up."""
        return sum(line.connected for line in self._lines)

    async def open(self, count: int) -> None:
        """So many, of the accounts in turn."""
        sessions = [await self._session(name) for name in self._accounts]
        for number in range(count):
            await self._open_one(sessions[number % len(sessions)])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for line in self._lines:
            await line.disconnect()

    async def _session(self, name: str) -> Mapping[str, str]:
        """Headers of somebody who signed in."""
        async with httpx.AsyncClient(base_url=self._url, timeout=60) as program:
            answer = await program.post(
                "/login", json={"username": name, "password": self._password}
            )
            answer.raise_for_status()
            cookies = "; ".join(f"{key}={value}" for key, value in program.cookies.items())
        return {"cookie": cookies, "origin": self._url}

    async def _open_one(self, headers: Mapping[str, str]) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=60) as program:
            answer = await program.get("/", headers={**headers, "accept": "text/html"})
            answer.raise_for_status()
        found = _CLIENT.search(answer.text)
        if found is None:
            raise RuntimeError("the page names no client: does another NiceGUI serve it?")
        await self._connect(found[1], headers)

    async def _connect(self, client_id: str, headers: Mapping[str, str]) -> None:
        line = socketio.AsyncClient(reconnection=False)

        async def run(message: dict[str, Any]) -> None:
            if message.get("request_id"):
                answer = {
                    "client_id": client_id,
                    "request_id": message["request_id"],
                    "result": True,
                }
                await line.emit("javascript_response", answer)

        async def update(_message: Any) -> None:
            self.updates += 1

        line.on("run_javascript", run)
        line.on("update", update)
        query = urlencode(
            {
                "client_id": client_id,
                "document_id": uuid.uuid4(),
                "tab_id": uuid.uuid4(),
                "next_message_id": 0,
                "implicit_handshake": "true",
            }
        )
        await line.connect(
            f"{self._url}?{query}",
            headers=dict(headers),
            transports=["websocket"],
            socketio_path="/_nicegui_ws/socket.io",
            wait_timeout=60,
        )
        self._lines.append(line)
