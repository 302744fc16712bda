"""Opens accounts in the database that keeps them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from server.accounts.lifetimes import Lifetimes
from server.accounts.store import AccountPlace, AccountStore
from server.storage.access import Access, SqliteAccess
from server.storage.asking import Writing
from server.storage.connection import open_note_writer
from server.storage.postgres.pool import Pool
from server.storage.postgres.readers import PostgresReaders
from server.storage.postgres.writing import PostgresWriting, Subject
from server.storage.reader_pool import ReaderPool
from server.storage.writing_thread import SqliteWriting

_CACHE_KB: Final = 2048
_READERS: Final = 2
"""Connections of PostgreSQL: each request asks who it is."""


def accounts_on(access: Access, lifetimes: Lifetimes, now: Callable[[], datetime]) -> AccountStore:
    """In the migrated database of this process."""
    if isinstance(access, SqliteAccess):
        return accounts_in_sqlite(access.path, lifetimes, now)
    return accounts_in_postgres(access.pool, access.pages, lifetimes, now)


def accounts_in_sqlite(
    path: Path, lifetimes: Lifetimes, now: Callable[[], datetime]
) -> AccountStore:
    """In a migrated database."""
    place = _place(
        reading=ReaderPool(path, threads=1, cache_kb=_CACHE_KB),
        searching=ReaderPool(path, threads=1, cache_kb=_CACHE_KB),
        writing=SqliteWriting(path, name="accounts"),
        noting=SqliteWriting(path, name="uses", opening=open_note_writer),
    )
    return AccountStore(place, lifetimes, now)


def accounts_in_postgres(
    pool: Pool, pages: Pool, lifetimes: Lifetimes, now: Callable[[], datetime]
) -> AccountStore:
    """In a migrated database; the pools belong to whoever made them. `pages` is for searches."""
    place = _place(
        reading=PostgresReaders(pool, threads=_READERS),
        searching=PostgresReaders(pages, threads=1),
        writing=PostgresWriting(pool, Subject.ACCOUNTS),
        noting=PostgresWriting(pool, Subject.ACCOUNTS, waits_for_disk=False),
    )
    return AccountStore(place, lifetimes, now)


def _place(
    *,
    reading: ReaderPool | PostgresReaders,
    searching: ReaderPool | PostgresReaders,
    writing: Writing,
    noting: Writing,
) -> AccountPlace:
    closing = contextlib.ExitStack()
    for each in (noting, writing, reading, searching):
        closing.callback(each.close)
    return AccountPlace(
        reading=reading,
        searching=searching,
        writing=writing,
        noting=noting,
        close=closing.close,
    )
