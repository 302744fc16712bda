"""Tells a camera which plates to watch for: what it lacks at its greeting, then what changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, Protocol

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from server.bell import Bell
from wire.v1 import Hello
from wire.watchlist import WholeWatchlist, parts_of

LOOK_S: Final = 600.0
"""So long nobody looks where no bell rings."""

_log = structlog.get_logger(__name__)


class CameraLists(Protocol):
    """What cameras are to hold of the watchlists."""

    @property
    def changed(self) -> Bell:
        """Rings when something of it may be another."""
        ...

    def for_camera(self, device_id: str) -> WholeWatchlist | None:
        """All that this one may know; None: not known yet. Safe in any thread, takes some tens of
        milliseconds at most."""
        ...


@contextlib.asynccontextmanager
async def told(
    connection: ServerConnection,
    hello: Hello | None,
    lists: CameraLists | None,
    *,
    settle_s: float,
) -> AsyncIterator[None]:
    """While this lasts the camera is told, if it takes lists. Changes that come within `settle_s`
    are told together."""
    if lists is None or hello is None or hello.watchlist is None:
        yield
        return
    telling = asyncio.create_task(
        _tell(connection, hello.device_id, hello.watchlist, lists, settle_s)
    )
    try:
        yield
    finally:
        telling.cancel()
        (ended,) = await asyncio.gather(telling, return_exceptions=True)
        if isinstance(ended, Exception):
            _log.error("a camera was not told its watchlist", error=repr(ended))


async def _send(connection: ServerConnection, whole: WholeWatchlist) -> None:
    """Part by part, each once the one before has arrived: on a slow line acknowledgements must not
    stand behind all of it."""
    for part in parts_of(whole):
        await connection.send(part, text=True)
        await (await connection.ping())


async def _tell(
    connection: ServerConnection,
    device_id: str,
    held: str,
    lists: CameraLists,
    settle_s: float,
) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            rings = lists.changed.rings
            whole = await asyncio.to_thread(lists.for_camera, device_id)
            if whole is not None and whole.version != held:
                await _send(connection, whole)
                held = whole.version
                _log.info("camera told its watchlist", device=device_id, plates=len(whole.plates))
            if await lists.changed.heard(rings, within_s=LOOK_S) > rings:
                await asyncio.sleep(settle_s)
