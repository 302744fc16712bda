"""What goes back to the caller: the application's answer with our headers, or a refusal instead."""

from __future__ import annotations

from typing import Any, Final

from fastapi.responses import Response
from starlette.types import Message, Receive, Scope, Send

from server.accounts.contract import CallerKind
from server.web.security.headers import API_POLICY, added_to, page_policy
from server.web.security.knock import Knock
from server.web.security.refusals import Refused
from server.web.security.telling import refusal_of

_POLICY: Final = b"content-security-policy"
_LARGEST_PAGE_BYTES: Final = 8 * 1024 * 1024
"""Larger ones get the strictest policy: pages are held back whole to make theirs."""


class Answering:
    """Of one request. `state` is the scope's, where routes leave their refusal."""

    def __init__(self, knock: Knock, send: Send, state: dict[str, Any]) -> None:
        self._knock = knock
        self._send = send
        self.state = state
        self._start: Message | None = None
        self._page = bytearray()
        self._is_begun = False

    async def send(self, message: Message) -> None:
        """What the application sends."""
        if "refusal" in self.state and not self._is_begun:
            return  # ours comes in its place
        if message["type"] == "http.response.start":
            if _is_page(message):
                self._start = message
            else:
                await self._begin(message, API_POLICY)
        elif message["type"] == "http.response.body" and self._start is not None:
            await self._hold(message)
        else:
            await self._send(message)

    async def _hold(self, message: Message) -> None:
        self._page += message.get("body", b"")
        is_whole = not message.get("more_body", False)
        if not is_whole and len(self._page) <= _LARGEST_PAGE_BYTES:
            return
        start, self._start = self._start, None
        assert start is not None  # noqa: S101 - asked before
        policy = API_POLICY
        if is_whole:
            is_gzipped = (b"content-encoding", b"gzip") in _lowered(start)
            policy = page_policy(bytes(self._page), is_gzipped=is_gzipped)
        await self._begin(start, policy)
        await self._send({**message, "body": bytes(self._page)})

    async def _begin(self, message: Message, policy: str) -> None:
        self._is_begun = True
        headers = added_to(message["headers"], path=self._knock.path, policy=policy)
        await self._send({**message, "headers": headers})

    async def finish(self, scope: Scope, receive: Receive) -> None:
        """Where a route refused, tells so."""
        refusal = self.state.get("refusal")
        if isinstance(refusal, Refused) and not self._is_begun:
            is_unsigned = self.state["caller"].kind is CallerKind.MACHINE
            answer = refusal_of(
                self._knock, refusal.status_code, refusal.detail, offers_sign_in=is_unsigned
            )
            await answer(scope, receive, self._told)

    async def refuse(self, answer: Response, receive: Receive) -> None:
        """Tells so, the application having seen nothing of the request."""
        if self._knock.is_websocket:
            await self._send({"type": "websocket.close", "code": 1008})
        else:
            await answer({"type": "http"}, receive, self._told)

    async def _told(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message, API_POLICY)
        else:
            await self._send(message)


def _is_page(message: Message) -> bool:
    headers = _lowered(message)
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    return kind.startswith(b"text/html") and all(name != _POLICY for name, _ in headers)


def _lowered(message: Message) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in message["headers"]]
