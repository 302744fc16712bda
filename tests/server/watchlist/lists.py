"""Lists of a server's database, made as another program makes them, also while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from server.config import ServerSettings
from server.storage.reader_pool import ReaderPool
from server.storage.watchlists import SqliteWatchlists


@contextlib.asynccontextmanager
async def lists_of(settings: ServerSettings) -> AsyncIterator[SqliteWatchlists]:
    with contextlib.ExitStack() as opened:
        pool = ReaderPool(settings.db_path, threads=1)
        opened.callback(pool.close)
        lists = SqliteWatchlists(settings.db_path, pool)
        opened.callback(lists.close)
        yield lists
