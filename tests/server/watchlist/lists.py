"""Lists of a server's database, made as another program makes them, also while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from server.config import ServerSettings
from server.storage.access import SqliteAccess
from server.storage.postgres.writing import Subject
from server.storage.watchlists import StoredWatchlists


@contextlib.asynccontextmanager
async def lists_of(settings: ServerSettings) -> AsyncIterator[StoredWatchlists]:
    with contextlib.ExitStack() as opened:
        access = SqliteAccess(settings.db_path)
        readers = access.readers(opened, threads=1)
        yield StoredWatchlists(readers, access.writing(opened, Subject.WATCHLISTS))
