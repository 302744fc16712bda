"""Stands before the whole application: lets in, turns away, and sets the headers of each answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import ClientDisconnect, cookie_parser

from agent.web.access import Door, Knock, Verdict, judge
from agent.web.coming_back import login_path
from agent.web.errors import PasswordUnusable
from agent.web.gatekeeper import Gatekeeper
from telemetry.request_meter import WENT_AWAY

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
"""asgi.readthedocs.io, version 3 of the specification."""

COOKIE: Final = "sightpost_session"
TOKEN_HEADER: Final = "x-csrf-token"  # noqa: S105 - a header's name
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""`data:` only for pictures; nothing inline runs, nothing comes from elsewhere."""
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """ASGI middleware. What it found is in the scope's state: `session` and `needs_login`."""

    def __init__(self, app: ASGIApp, *, keeper: Gatekeeper, is_loopback: bool) -> None:
        self._app = app
        self._keeper = keeper
        self._is_loopback = is_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                added = [pair for pair in HEADERS if pair[0] not in names]
                if not scope["path"].startswith("/static/"):
                    added.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *added]
            await send(message)

        verdict = await self._judged(scope)
        if verdict is Verdict.ALLOWED:
            try:
                await self._app(scope, receive, answer)
            except ClientDisconnect:  # in the midst of sending: nobody hears the answer
                await _answer_json(answer, WENT_AWAY, {"status": "error"})
        elif verdict in (Verdict.LOGIN_NEEDED, Verdict.NO_PASSWORD) and _wants_page(scope):
            # Which says, too, how a password is set.
            await _redirect(answer, login_path(_asked(scope)).encode("ascii"))
        elif verdict is Verdict.LOGIN_NEEDED and scope["path"] == "/health":
            await _answer_json(answer, 200, {"status": "ok"})  # that it runs is no secret
        else:
            content = {"status": "error", "message": verdict.text}
            await _answer_json(answer, verdict.code, content)

    async def _judged(self, scope: Scope) -> Verdict:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            password_hash = self._keeper.password_hash()
        except PasswordUnusable:
            password_hash = ""  # there is one: nobody gets in until it can be read
        session = self._keeper.session(session_name(headers), password_hash)
        is_basic = bool(
            password_hash
            and "authorization" in headers
            and await self._keeper.knows(
                headers["authorization"], password_hash, address=address_of(scope)
            )
        )
        knock = Knock(
            method=scope["method"],
            path=scope["path"],
            headers=headers,
            session_token=session.token if session else None,
            sent_token=headers.get(TOKEN_HEADER),
            is_basic=is_basic,
        )
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["session"] = session
        state["has_password"] = password_hash is not None
        door = Door(is_loopback=self._is_loopback, has_password=password_hash is not None)
        return judge(knock, door)


def session_name(headers: MutableMapping[str, str] | dict[str, str]) -> str | None:
    """What the session's cookie says, whatever other programs of this host keep beside it."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def address_of(scope: Scope) -> str:
    """Of the caller; behind a proxy on this machine uvicorn has put the real one there."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _wants_page(scope: Scope) -> bool:
    accept = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] == "GET" and b"text/html" in accept


def _asked(scope: Scope) -> str:
    """The path as it was written, with its query."""
    path, query = quote(scope["path"]), scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def _redirect(send: Send, where: bytes) -> None:
    await send({"type": "http.response.start", "status": 303, "headers": [(b"location", where)]})
    await send({"type": "http.response.body", "body": b""})


async def _answer_json(send: Send, code: int, content: dict[str, str]) -> None:
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
