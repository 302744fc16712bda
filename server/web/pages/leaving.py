"""Browsers that leave before they are answered are no fault of the pages."""

from __future__ import annotations

from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NO_ANSWER: Final = "No response returned."
"""Starlette's BaseHTTPMiddleware, which NiceGUI uses, raises it where an answer was broken off."""


class Leaving:
    """ASGI middleware: raises ClientDisconnect in place of an answer that was broken off because
    nobody hears it any more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_left = False

        async def received() -> Message:
            nonlocal has_left
            message = await receive()
            has_left = has_left or message["type"] == "http.disconnect"
            return message

        try:
            await self._app(scope, received, send)
        except RuntimeError as error:
            if has_left and str(error) == _NO_ANSWER:
                raise ClientDisconnect from error
            raise
