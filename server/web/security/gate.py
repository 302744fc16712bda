"""Stands before the whole application: finds out who calls, turns away, sets the headers.

What it found is in the scope's state: `caller`, and `knock`, what was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import structlog
from fastapi import Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.accounts.contract import Caller, CallerKind
from server.errors import StorageUnavailable
from server.peer import Network
from server.web.security.answering import Answering
from server.web.security.bodies import largest_bytes, measured, says_too_much
from server.web.security.knock import Knock, knock_of
from server.web.security.pace import Pace
from server.web.security.refusals import Refused
from server.web.security.rules import Door, Verdict, caller_at, judge
from server.web.security.telling import refusal_of
from telemetry.request_meter import WENT_AWAY

LOOKED_UP_EVERY_S: Final = 5.0
"""So long an open page may outlive its session, or what its account may do."""
_EVENT: Final = '42["event"'
"""With this begins what a person did on a page: socket.io's EVENT packet of NiceGUI's name for it.
Pings and acknowledgements of what is live come by themselves."""
_POLICY_VIOLATION: Final = 1008
_SESSION_ENDED: Final = "session ended"
_RIGHTS_CHANGED: Final = "rights changed"
_TOO_FAST: Final = "too many requests"
"""Why a line was closed, in its close frame; pages/static/ending.js goes by the first two."""

_log = structlog.get_logger(__name__)


class Register(Protocol):
    """Where callers are known."""

    async def caller_of(self, digest: bytes, address: str) -> Caller | None:
        """Who brings the session or API token of that SHA-256. Raises StorageUnavailable."""
        ...

    def note_session_use(self, digest: bytes) -> None:
        """Somebody used that session just now."""
        ...


class Gate:
    """ASGI middleware; `clock` is monotonic seconds, `look_every_s` is LOOKED_UP_EVERY_S."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        register: Register,
        door: Door,
        trusted_proxies: Sequence[Network] = (),
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        look_every_s: float = LOOKED_UP_EVERY_S,
    ) -> None:
        self._app = app
        self._register = register
        self._door = door
        self._trusted = trusted_proxies
        self._clock = clock
        self._look_every_s = look_every_s
        self._pace = pace or Pace()
        self._line_pace = Pace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        knock = knock_of(scope, self._trusted)
        state = _shown(scope, knock)
        answering = Answering(knock, send, state)
        try:
            known = None
            if knock.proof is not None:
                known = await self._register.caller_of(knock.proof, knock.address)
        except StorageUnavailable as error:
            await answering.refuse(refusal_of(knock, 503, str(error), retry_after_s=5), receive)
            return
        caller = caller_at(knock, self._door, known)
        state["caller"] = caller
        wait_s = self._pace_of(knock, caller)
        if wait_s:
            text = "too many requests: slow down"
            refusal = refusal_of(knock, 429, text, retry_after_s=math.ceil(wait_s))
            await answering.refuse(refusal, receive)
            return
        verdict = judge(knock, caller)
        if verdict is not Verdict.ALLOWED:
            await answering.refuse(refusal_of(knock, verdict.status, verdict.text), receive)
        elif knock.is_websocket:
            line = _WatchedLine(
                self._register,
                knock,
                caller,
                self._clock,
                self._line_pace,
                self._look_every_s,
                send,
            )
            await line.run(self._app, scope, receive)
        else:
            if caller.session is not None and knock.is_by_hand:
                self._register.note_session_use(caller.session)
            await self._answer(scope, receive, answering, knock)

    async def _answer(
        self, scope: Scope, receive: Receive, answering: Answering, knock: Knock
    ) -> None:
        if says_too_much(knock.path, knock.headers.get("content-length")):
            text = f"expected a body of at most {largest_bytes(knock.path)} bytes"
            await answering.refuse(refusal_of(knock, 413, text), receive)
            return
        try:
            await self._app(scope, measured(scope, receive), answering.send)
        except Refused as refusal:  # where no framework stood between
            answering.state["refusal"] = refusal
        except ClientDisconnect:
            await Response(status_code=WENT_AWAY)(scope, receive, answering.send)
        await answering.finish(scope, receive)

    def _pace_of(self, knock: Knock, caller: Caller) -> float:
        """Of a caller who is known, else of the place; this machine asks as often as it likes."""
        if caller.kind in (CallerKind.USER, CallerKind.TOKEN) and knock.proof is not None:
            return self._pace.wait_s(knock.proof, self._clock())
        if knock.is_direct or knock.place is None:
            return 0.0
        return self._pace.wait_s(knock.place, self._clock())


def _shown(scope: Scope, knock: Knock) -> dict[str, Any]:
    """Puts the real address and scheme where the application looks; returns the request's state."""
    schemes = {"http": ("http", "https"), "websocket": ("ws", "wss")}[scope["type"]]
    port = scope["client"][1] if scope.get("client") else 0
    state = {**scope.get("state", {}), "knock": knock}
    scope.update(client=(knock.address, port), scheme=schemes[knock.is_encrypted], state=state)
    return state


class _WatchedLine:
    """A page's WebSocket: it is closed when its session ends, or may do something else than at
    first, also while nothing is said on it."""

    def __init__(
        self,
        register: Register,
        knock: Knock,
        caller: Caller,
        clock: Callable[[], float],
        pace: Pace,
        look_every_s: float,
        send: Send,
    ) -> None:
        self._register = register
        self._knock = knock
        self._caller = caller
        self._clock = clock
        self._pace = pace
        self._look_every_s = look_every_s
        self._send = send
        self._looked_at_s = clock()
        self._over = ""
        self._is_closed = False

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        """Until the application is done with it."""
        watching = asyncio.create_task(self._watch())
        try:
            await app(scope, self._received(receive), self._sent)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self) -> None:
        while self._knock.proof is not None and not await self._has_ended():
            left_s = self._looked_at_s + self._look_every_s - self._clock()
            await asyncio.sleep(max(left_s, 0.001))
        if self._over:
            await self._hang_up()

    def _received(self, receive: Receive) -> Receive:
        async def watched() -> Message:
            message = await receive()
            is_said = message["type"] == "websocket.receive"
            if is_said and (self._is_too_fast() or await self._has_ended()):
                await self._hang_up()
                return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}
            session = self._caller.session
            if session is not None and (message.get("text") or "").startswith(_EVENT):
                self._register.note_session_use(session)
            return message

        return watched

    async def _sent(self, message: Message) -> None:
        if message["type"] == "websocket.send" and await self._has_ended():
            await self._hang_up()
        if self._is_closed:
            return
        self._is_closed = message["type"] == "websocket.close"
        await self._send(message)

    async def _hang_up(self) -> None:
        """Once: servers take nothing more after the close frame, not even another."""
        if self._is_closed:
            return
        self._is_closed = True
        frame = {"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": self._over}
        with contextlib.suppress(OSError):  # the browser went first
            await self._send(frame)

    def _is_too_fast(self) -> bool:
        """What a page does costs as much as a request; all lines of a caller count together."""
        if self._knock.proof is not None and self._pace.wait_s(self._knock.proof, self._clock()):
            self._over = self._over or _TOO_FAST
        return bool(self._over)

    async def _has_ended(self) -> bool:
        now_s = self._clock()
        is_due = now_s - self._looked_at_s >= self._look_every_s
        if self._knock.proof is None or not is_due or self._over:
            return bool(self._over)
        self._looked_at_s = now_s
        try:
            found = await self._register.caller_of(self._knock.proof, self._knock.address)
        except StorageUnavailable as error:
            _log.warning("sessions cannot be looked up", reason=str(error))
            return False
        if found is None:
            self._over = _SESSION_ENDED
        elif found.permissions != self._caller.permissions:
            self._over = _RIGHTS_CHANGED
        return bool(self._over)
