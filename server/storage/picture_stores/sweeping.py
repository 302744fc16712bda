"""Pictures without a row: what a crash between keeping a picture and committing its row leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, date, datetime, timedelta
from typing import Final

from server.errors import PruneRefused
from server.storage.picture_stores.contract import PictureStore

DAYS_LOOKED_AT: Final = 3
"""A day is looked at when it is over for a whole day, and twice more."""

Named = Callable[[date, Collection[str]], Awaitable[Collection[str]]]


def days_to_sweep(now: datetime) -> list[date]:
    """Days that no row is still on its way to: rows carry the time at which their pictures came."""
    today = now.astimezone(UTC).date()
    return [today - timedelta(days=back) for back in range(2, 2 + DAYS_LOOKED_AT)]


async def sweep(store: PictureStore, day: date, named: Named) -> int:
    """Gives up the pictures of a day that no row of that day names; returns how many.

    `named` says which of these SHA-256 a row received on that day has. Raises StorageUnavailable,
    and PruneRefused where it has none of the day: crashes leave few, another database leaves all.
    """
    count = 0
    orphans: list[str] = []
    batches = store.held(day)
    while batch := await asyncio.to_thread(next, batches, ()):
        there = {each.sha256 for each in batch}
        count += len(there)
        orphans += there - set(await named(day, there))
    if orphans and len(orphans) == count:
        raise PruneRefused(
            f"no row names any of the {count} pictures of {day.isoformat()}: nothing of that day "
            "was given up; look whether SERVER_DATABASE_URL is the database of these pictures, and "
            "whether all rows of an older one are moved"
        )
    await asyncio.to_thread(store.discard, day, orphans)
    return len(orphans)
