"""Hello and welcome of a `sightpost.v1` connection: what a camera says, what the server answers."""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from agent.clock import Clock
from agent.delivery import ServerHolds, StoreIdentity
from agent.uplink.dial import abort, dial, failure_of
from agent.uplink.link import LinkFailed, LinkFailure
from agent.uplink.settings import Identity, UplinkSettings
from wire.client_session import ClientSession, Welcomed
from wire.errors import PeerMisbehaved
from wire.v1 import SUBPROTOCOL, Hello, Welcome


def hello_of(store: StoreIdentity, who: Identity, *, waiting: int, clock: Clock) -> Hello:
    """The first frame of a camera whose rows are those of `store`, of which `waiting` wait."""
    return Hello(
        device_id=store.device_id,
        epoch=store.epoch,
        hostname=who.hostname,
        checkpoint_id=who.checkpoint_id,
        agent_version=who.agent_version,
        time=clock.now(),
        clock_state=clock.state(),
        waiting_rows=waiting,
        runs=list(store.server_runs),
        epoch_after=store.epoch_after,
        watchlist=store.watchlist,
    )


async def welcomed(
    connection: ClientConnection, session: ClientSession, *, timeout_s: float
) -> Welcome:
    """Says hello and hears welcome; raises LinkFailed."""
    try:
        async with asyncio.timeout(timeout_s):
            await connection.send(session.hello(), text=True)
            while True:
                event = session.receive(await connection.recv(decode=False))
                if isinstance(event, Welcomed):
                    return event.welcome
    except TimeoutError:
        raise LinkFailed(LinkFailure.TIMEOUT, "the server did not answer hello") from None
    except ConnectionClosed as error:
        raise failure_of(error) from error
    except PeerMisbehaved as error:
        raise LinkFailed(LinkFailure.PROTOCOL, str(error)) from error


async def let_in(settings: UplinkSettings, hello: Hello) -> ClientConnection:
    """A connection over which rows could go now, for one that wants to know; raises LinkFailed.

    An older server is greeted by nobody.
    """
    connection = await dial(settings, agent_version=hello.agent_version)
    if connection.subprotocol != SUBPROTOCOL:
        return connection
    try:
        await welcomed(connection, ClientSession(hello), timeout_s=settings.answer_timeout_s)
    except LinkFailed:
        await abort(connection)
        raise
    return connection


def holdings(welcome: Welcome) -> ServerHolds | None:
    """None where the server does not count, or does not name its run: nothing can be concluded."""
    if welcome.rows_stored is None or welcome.run is None:
        return None
    return ServerHolds(rows=welcome.rows_stored, run=welcome.run, known_run=welcome.known_run)
