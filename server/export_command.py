"""`python -m server export`: sightings as JSON lines in the order of their arrival."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, TextIO

from server.cli_database import opened_access
from server.config import ServerSettings
from server.errors import StorageUnavailable, TookTooLong
from server.storage.feed import StoredFeed
from server.storage.reading.sightings import SightingDetail
from server.web.api.export import json_of

PIECE: Final = 500
LOOKED_EVERY_S: Final = 0.25
"""For rows that another process commits."""

STANDS_STILL_S: Final = 5.0
"""After which a database is asked again that answered nothing in time."""

Sleep = Callable[[float], Awaitable[object]]


@contextlib.asynccontextmanager
async def feed_of(settings: ServerSettings) -> AsyncIterator[StoredFeed]:
    """Of the database that the settings name, beside running servers. Raises StartRefused."""
    async with opened_access(settings, connections=1) as access:
        with contextlib.ExitStack() as opened:
            yield access.feed(access.readers(opened, threads=1))


async def export(
    feed: StoredFeed,
    out: TextIO,
    *,
    since: datetime | None,
    after: int | None,
    is_following: bool,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Writes the sightings that arrived `since` then, or have an id above `after`; with
    `is_following` those that arrive later too, until it is cancelled or nobody reads any more, and
    also where the database is away for a while."""
    try:
        position = max(after or 0, 0 if since is None else await feed.before(since))
        while True:
            piece = await _next(feed, position, waits=is_following, sleep=sleep)
            if piece:
                wanted = [each for each in piece if since is None or _arrived(each, since)]
                await asyncio.to_thread(_write, out, json_of(wanted))
                position = piece[-1].card.id
            elif is_following:
                await sleep(LOOKED_EVERY_S)
            else:
                return
    except BrokenPipeError:  # whoever read it has had enough
        with contextlib.suppress(OSError):
            sys.stderr.close()


async def _next(
    feed: StoredFeed, position: int, *, waits: bool, sleep: Sleep
) -> Sequence[SightingDetail]:
    """The rows after that one. Raises StorageUnavailable and TookTooLong where nobody `waits` for
    the database."""
    is_told = False
    while True:
        try:
            return await feed.after(position, limit=PIECE, with_evidence=True)
        except (StorageUnavailable, TookTooLong) as error:
            if not waits:
                raise
            if not is_told:
                sys.stderr.write(f"WARNING {error}; it goes on when that is over\n")
            is_told = True
            await sleep(
                error.retry_after_s if isinstance(error, StorageUnavailable) else STANDS_STILL_S
            )


def _arrived(sighting: SightingDetail, since: datetime) -> bool:
    arrived = sighting.card.received_at
    return arrived is None or arrived >= since


def _write(out: TextIO, text: str) -> None:
    out.write(text)
    out.flush()
