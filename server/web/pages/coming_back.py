"""Stands before the pages' lines: one that broke comes back only for whom its page was made, and
whose browser is gone gets none."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from fastapi import Response
from nicegui import Client
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.accounts.contract import Caller
from server.web.pages.room import give_up
from server.web.security.demands import current_caller
from telemetry.request_meter import WENT_AWAY

_LINES: Final = "/_nicegui_ws"


class ComingBack:
    """ASGI middleware. Where somebody else comes, who signed out meanwhile or in as another, the
    page is given up: NiceGUI finds none, and the browser loads it anew, as far as they may."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"].startswith(_LINES):
            query = parse_qs(scope["query_string"].decode("latin-1"))
            page = Client.instances.get(query.get("client_id", [""])[0])
            if page is not None and not _is_same(
                current_caller(page.request), scope["state"]["caller"]
            ):
                give_up(page)
            if scope["type"] == "http":  # a browser that has no WebSocket asks by requests
                first = await receive()
                if first["type"] == "http.disconnect":  # engine.io would break on it
                    await Response(status_code=WENT_AWAY)(scope, receive, send)
                    return
                receive = _beginning_with(first, receive)
        await self._app(scope, receive, send)


def _beginning_with(first: Message, receive: Receive) -> Receive:
    """What was taken already comes once more."""
    waiting = [first]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received


def _is_same(one: Caller, other: Caller) -> bool:
    return (one.kind, one.name, one.session) == (other.kind, other.name, other.session)
