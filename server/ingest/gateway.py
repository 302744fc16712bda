"""The door for cameras: listens, decides who comes in, holds the conversations, closes in order."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, tzinfo
from http import HTTPStatus
from typing import Final, Protocol
from weakref import WeakKeyDictionary

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from server.device_token import digest_of
from server.errors import StorageUnavailable
from server.ingest.access import (
    AccessPolicy,
    Admitted,
    Denied,
    Visitor,
    decide,
)
from server.ingest.budget import ByteBudget, credit_for
from server.ingest.conversation import BinaryRefused, Conversation, Workplace, shortened, text_of
from server.ingest.dialects import ClassicDialect, Dialect, V1Dialect
from server.ingest.door import Door
from server.ingest.guests import Failures, Guest, Guests
from server.ingest.inflow import Inflow
from server.ingest.liveness import PING_S, is_gone
from server.ingest.metered import MeteredConnection, metered
from server.ingest.patience import Patience
from server.ingest.stats import DENIED, FAILED, MISBEHAVED, Counters
from server.ingest.telling import CameraLists, told
from server.ingest.writer import GroupWriter
from server.peer import address_of, bearer_token, place_of, seen_through_proxy
from server.storage.protocol import RowStore, TokenLookup
from wire.errors import PeerMisbehaved
from wire.limits import Credit, Limits
from wire.server_session import HelloReceived, ServerSession
from wire.v1 import SUBPROTOCOL, Hello

HELLO_BYTES: Final = 64 * 1024
"""No hello is longer; until it was said nothing longer is taken."""
DRAIN_S: Final = 3.0
"""How long a stopping server waits for slow peers to take their last answers."""

_RETRY_AFTER_S: Final = "5"
_FAILED_RETRY_AFTER_S: Final = "60"
_FRAMES_READ_AHEAD: Final = 1

_log = structlog.get_logger(__name__)


class Store(RowStore, TokenLookup, Protocol):
    """What the gateway asks of a store."""


class Gateway:
    """Both exchanges on one port, told apart by the subprotocol that the client offers.

    Any path is accepted: older cameras were never held to one.
    """

    def __init__(
        self,
        *,
        store: Store,
        writer: GroupWriter,
        budget: ByteBudget,
        counters: Counters,
        policy: AccessPolicy,
        limits: Limits,
        max_connections: int,
        patience: Patience,
        guests: Guests,
        zone_of: Callable[[str], tzinfo],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._budget = budget
        self._counters = counters
        self._policy = policy
        self._limits = limits
        self._max_connections = max_connections
        self._patience = patience
        self._inflow = Inflow(budget, patience)
        self._door = Door(max_connections)
        self._zone_of = zone_of
        self._now = now
        self._decoding = ThreadPoolExecutor(2, thread_name_prefix="sightpost-decode")
        self._work = Workplace(
            writer=writer,
            budget=budget,
            counters=counters,
            decoding=self._decoding,
            credit=self._credit,
        )
        self._guests = guests
        self._failures = Failures()
        self._admitted: WeakKeyDictionary[ServerConnection, Admitted] = WeakKeyDictionary()
        self._guest_of: WeakKeyDictionary[ServerConnection, Guest] = WeakKeyDictionary()
        self._used_tokens: set[str] = set()
        self._conversations: dict[MeteredConnection, Conversation] = {}
        self._greeted: dict[MeteredConnection, Hello] = {}
        self._lists: CameraLists | None = None
        self._server: Server | None = None

    async def start(
        self,
        listener: socket.socket,
        tls: ssl.SSLContext | None,
        *,
        lists: CameraLists | None = None,
    ) -> None:
        """Begins to accept connections on a bound socket. `lists` None: no camera is told any."""
        self._lists = lists
        library_log = logging.getLogger("websockets.sightpost")
        library_log.setLevel(logging.CRITICAL)  # it logs each port scanner with a traceback
        self._server = await serve(
            self._handle,
            sock=listener,
            ssl=tls,
            compression=None,  # pictures do not shrink, and it costs memory per connection
            select_subprotocol=_select_subprotocol,
            process_request=self._admit,
            server_header=None,
            max_size=self._limits.frame_bytes,
            max_queue=_FRAMES_READ_AHEAD,
            ping_interval=PING_S,
            ping_timeout=None,  # look_after tells dead lines, by a rule that slow ones pass
            create_connection=metered(self._inflow, self._door),
            open_timeout=self._patience.handshake_s,
            ssl_handshake_timeout=None if tls is None else self._patience.tls_s,
            close_timeout=DRAIN_S,
            logger=library_log,
        )

    def connected(self) -> frozenset[str]:
        """Devices that said hello on a line that is open now; old cameras say none."""
        return frozenset(hello.device_id for hello in self._greeted.values())

    async def stop(self) -> None:
        """Accepts nothing more, answers what was taken, says 1012, hangs up on who lingers."""
        if self._server is None:
            return
        self._server.close(close_connections=False)
        for conversation in self._conversations.values():
            conversation.stop(CloseCode.SERVICE_RESTART, "the server is restarting")
        greeting = self._server.connections - set(self._conversations)
        for connection in greeting:
            connection.transport.abort()
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._server.wait_closed()
        except TimeoutError:
            for connection in self._server.connections:
                connection.transport.abort()
            await self._server.wait_closed()
        self._decoding.shutdown()

    @property
    def holds_back(self) -> bool:
        """Whether memory is used up, so that most cameras are not read."""
        return self._inflow.is_short

    @property
    def credit(self) -> Credit:
        """What a camera may have unanswered now."""
        return self._credit()

    def look_at_lines(self) -> None:
        """To be called every second: hangs up on dead lines and on messages that do not come on."""
        now_s = asyncio.get_running_loop().time()
        self._inflow.expel(now_s)
        for connection in tuple(self._conversations):
            if is_gone(connection, self._patience, now_s):
                _log.info("connection dropped: the line is dead", peer=connection.peer)
                connection.hang_up()

    async def look_at_tokens(self) -> None:
        """To be called every few seconds: hangs up on revoked tokens.

        Notes which tokens were used since the last call.
        """
        count = self._turn_out(await self._store.live_tokens())
        if count:
            _log.info("connections of revoked tokens closed", count=count)
        used = frozenset(self._used_tokens)
        if used:
            await self._store.note_token_use(used, self._now())
            self._used_tokens -= used

    def _turn_out(self, live: frozenset[bytes]) -> int:
        """Closes the conversations whose token is no longer live; returns how many.

        By the token, not its name: the name may have got a new token meanwhile.
        """
        gone = [
            connection
            for connection in self._conversations
            if (token := self._admitted[connection].token_sha256) is not None and token not in live
        ]
        for connection in gone:
            self._conversations[connection].stop(
                CloseCode.POLICY_VIOLATION, "this token was revoked"
            )
        return len(gone)

    def _credit(self) -> Credit:
        return credit_for(self._budget.free_bytes, self._counters.active_connections)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """The decision before the handshake: None lets the connection in."""
        if self._counters.active_connections >= self._max_connections:
            return _denial(
                connection, HTTPStatus.SERVICE_UNAVAILABLE, "too many cameras are connected"
            )
        try:
            visitor = await self._visitor(connection, request)
        except StorageUnavailable as error:
            return _denial(connection, HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        decision = decide(visitor, self._policy)
        if isinstance(decision, Denied):
            return self._deny(connection, visitor, decision)
        guest = Guest(place=place_of(visitor.address), device_id=decision.device_id)
        fault = self._guests.fault(guest)
        if fault is not None:
            return self._deny(connection, visitor, Denied(HTTPStatus.SERVICE_UNAVAILABLE, fault))
        self._admitted[connection] = decision
        self._guest_of[connection] = guest
        if decision.device_id is not None:
            self._used_tokens.add(decision.device_id)
        return None

    def _deny(self, connection: ServerConnection, visitor: Visitor, decision: Denied) -> Response:
        """Who knocks too often is told so and fills no log; a right token gets in all the same."""
        self._counters.refuse(DENIED)
        now_s = asyncio.get_running_loop().time()
        beyond = self._failures.note(place_of(visitor.address), now_s)
        if beyond == 0:
            _log.error("connection denied", peer=str(visitor.address), reason=decision.reason)
            return _denial(connection, decision.status, decision.reason)
        if beyond == 1:
            _log.error(
                "connections denied too often: no more of this minute are logged",
                peer=str(visitor.address),
            )
        return _denial(connection, HTTPStatus.TOO_MANY_REQUESTS, decision.reason)

    async def _visitor(self, connection: ServerConnection, request: Request) -> Visitor:
        headers = {
            name.lower(): ", ".join(request.headers.get_all(name)) for name in request.headers
        }
        address, is_encrypted = seen_through_proxy(
            address_of(str(connection.remote_address[0])),
            connection.transport.get_extra_info("ssl_object") is not None,
            headers,
            self._policy.trusted_proxies,
        )
        token = bearer_token(headers.get("authorization"))
        digest = None if token is None else digest_of(token)
        offered = headers.get("sec-websocket-protocol", "")
        return Visitor(
            address=address,
            is_encrypted=is_encrypted,
            wants_v1=SUBPROTOCOL in {part.strip() for part in offered.split(",")},
            origin=headers.get("origin"),
            host=headers.get("host"),
            token_sha256=digest,
            token=None if digest is None else await self._store.find_token(digest),
        )

    async def _handle(self, connection: ServerConnection) -> None:
        assert isinstance(connection, MeteredConnection)  # noqa: S101 - we had it made so
        peer = str(connection.remote_address[0])
        self._counters.total_connections += 1
        self._counters.active_connections += 1
        guest = self._guest_of[connection]
        self._guests.enter(guest)
        try:
            dialect = await self._greet(connection)
            conversation = Conversation(connection, dialect, self._work, peer)
            self._conversations[connection] = conversation
            async with told(
                connection,
                self._greeted.get(connection),
                self._lists,
                settle_s=self._patience.lists_s,
            ):
                await conversation.run()
        except ConnectionClosed:
            pass
        except BinaryRefused as error:
            await connection.close(CloseCode.UNSUPPORTED_DATA, str(error))
        except PeerMisbehaved as error:
            self._counters.refuse(MISBEHAVED)
            _log.error("connection closed: the peer misbehaved", peer=peer, reason=str(error))
            await connection.close(CloseCode.POLICY_VIOLATION, shortened(str(error)))
        except StorageUnavailable as error:
            await connection.close(CloseCode.TRY_AGAIN_LATER, shortened(str(error)))
        except Exception:  # noqa: BLE001 (the supervisor of connections: one's fault must not end the others)
            self._counters.refuse(FAILED)
            _log.exception("connection failed", peer=peer)
            await connection.close(CloseCode.INTERNAL_ERROR, "internal error")
        finally:
            self._conversations.pop(connection, None)
            self._greeted.pop(connection, None)
            self._guests.leave(guest)
            self._counters.active_connections -= 1

    async def _greet(self, connection: MeteredConnection) -> Dialect:
        """The dialect of the connection; that of `sightpost.v1` after hello and welcome."""
        device_id = self._admitted[connection].device_id
        if connection.subprotocol != SUBPROTOCOL:
            return ClassicDialect(device_id=device_id, limits=self._limits, zone_of=self._zone_of)
        session = ServerSession(limits=self._limits)
        event = session.receive(await self._first_message(connection))
        if not isinstance(event, HelloReceived):
            raise PeerMisbehaved("expected hello first")
        hello = event.hello
        if device_id is not None and hello.device_id != device_id:
            raise PeerMisbehaved(
                f"a camera writes as itself: the token is of {device_id}, "
                f"hello said {hello.device_id}"
            )
        if device_id is None and await self._store.name_has_token(hello.device_id):
            raise PeerMisbehaved(
                f"{hello.device_id} has a token: a camera of that name must come with it "
                "(AGENT_TOKEN)"
            )
        now = self._now()
        held = await self._store.greet(hello, now)
        welcome = session.welcome(
            last_sequence=held.last_sequence,
            credit=self._credit(),
            now=now,
            rows_stored=held.rows_stored,
            run=held.run,
            known_run=held.known_run,
        )
        connection.protocol.max_message_size = self._limits.frame_bytes
        await connection.send(welcome, text=True)
        self._greeted[connection] = hello
        return V1Dialect(session)

    async def _first_message(self, connection: MeteredConnection) -> str:
        """Hello, in time and short; raises PeerMisbehaved."""
        connection.protocol.max_message_size = HELLO_BYTES
        try:
            async with asyncio.timeout(self._patience.hello_s):
                content, size = await connection.take()
        except TimeoutError:
            raise PeerMisbehaved(f"no hello within {self._patience.hello_s:g} s") from None
        self._budget.release(size)
        return text_of(content)


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Ours where it is offered; else none, which means the classic exchange."""
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


def _denial(connection: ServerConnection, status: HTTPStatus, reason: str) -> Response:
    response = connection.respond(status, reason + "\n")
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = _RETRY_AFTER_S
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = _FAILED_RETRY_AFTER_S
    return response
