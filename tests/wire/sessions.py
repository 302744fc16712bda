"""Sessions in a given state, for the tests of both ends."""

from __future__ import annotations

from datetime import timedelta, timezone

from tests.wire.examples import CAPTURED, HELLO
from wire import v1
from wire.classic import ClassicServerSession
from wire.client_session import ClientSession
from wire.limits import Credit, Limits
from wire.server_session import ServerSession

CREDIT = Credit(rows=8, bytes=4096)


def open_server(limits: Limits | None = None) -> ServerSession:
    """A server session that has said welcome."""
    session = ServerSession(limits=limits or Limits())
    session.receive(v1.encode(HELLO))
    session.welcome(last_sequence=0, credit=CREDIT, now=CAPTURED)
    return session


def open_client(credit: Credit = CREDIT) -> ClientSession:
    """A client session that has read welcome."""
    server = ServerSession(limits=Limits())
    client = ClientSession(HELLO)
    server.receive(client.hello())
    client.receive(server.welcome(last_sequence=0, credit=credit, now=CAPTURED))
    return client


def classic_session(limits: Limits | None = None) -> ClassicServerSession:
    """A classic session of a camera whose clock shows Bangkok's time."""
    zone = timezone(timedelta(hours=7))
    return ClassicServerSession(
        device_id="classic:aicamera", limits=limits or Limits(), zone_of=lambda _: zone
    )
