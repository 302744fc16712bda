"""`python -m server export`: sightings as JSON lines in the order of their arrival."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

from server.storage.feed import StoredFeed
from server.storage.reader_pool import ReaderPool
from server.web.api.export import json_of

PIECE: Final = 500
LOOKED_EVERY_S: Final = 0.25
"""For rows that another process commits."""

Sleep = Callable[[float], Awaitable[object]]


async def export(
    database: Path,
    out: TextIO,
    *,
    since: datetime | None,
    after: int | None,
    is_following: bool,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Writes the sightings that arrived `since` then, or have an id above `after`; with
    `is_following` those that arrive later too, until it is cancelled or nobody reads any more."""
    pool = ReaderPool(database, threads=1)
    try:
        feed = StoredFeed(pool)
        position = after or 0
        if since is not None:
            position = max(position, await feed.before(since))
        while True:
            piece = await feed.after(position, limit=PIECE, with_evidence=True)
            if piece:
                await asyncio.to_thread(_write, out, json_of(piece))
                position = piece[-1].card.id
            elif is_following:
                await sleep(LOOKED_EVERY_S)
            else:
                return
    except BrokenPipeError:  # whoever read it has had enough
        with contextlib.suppress(OSError):
            sys.stderr.close()
    finally:
        pool.close()


def _write(out: TextIO, text: str) -> None:
    out.write(text)
    out.flush()
