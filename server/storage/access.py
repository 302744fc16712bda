"""Connections to this server's database, whichever it is, for the parts that ask and change."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from server.storage.asking import Readers, Writing
from server.storage.feed import StoredFeed
from server.storage.postgres.horizon import decided
from server.storage.postgres.pool import Pool
from server.storage.postgres.readers import PostgresReaders
from server.storage.postgres.writing import PostgresWriting, Subject
from server.storage.reader_pool import ReaderPool
from server.storage.writing_thread import SqliteWriting

_PLATES = "lpr_detections"


@dataclass(frozen=True, slots=True)
class SqliteAccess:
    """`opened` closes what is opened."""

    path: Path

    def readers(self, opened: contextlib.ExitStack, *, threads: int) -> Readers:
        pool = ReaderPool(self.path, threads=threads)
        opened.callback(pool.close)
        return pool

    def page_readers(self, opened: contextlib.ExitStack, *, threads: int) -> Readers:
        return self.readers(opened, threads=threads)

    def writing(self, opened: contextlib.ExitStack, subject: Subject) -> Writing:
        writing = SqliteWriting(self.path, name=subject.name.lower())
        opened.callback(writing.close)
        return writing

    def feed(self, readers: Readers) -> StoredFeed:
        return StoredFeed(readers)


@dataclass(frozen=True, slots=True)
class PostgresAccess:
    """The same on the connections of pools, which belong to whoever made them. What people ask goes
    through `pages` alone: however slow it is, rows, sign-in and alerts have their own."""

    pool: Pool
    pages: Pool

    def readers(self, opened: contextlib.ExitStack, *, threads: int) -> Readers:
        return _on(self.pool, opened, threads)

    def page_readers(self, opened: contextlib.ExitStack, *, threads: int) -> Readers:
        return _on(self.pages, opened, threads)

    def writing(self, opened: contextlib.ExitStack, subject: Subject) -> Writing:
        writing = PostgresWriting(self.pool, subject)
        opened.callback(writing.close)
        return writing

    def feed(self, readers: Readers) -> StoredFeed:
        return StoredFeed(readers, partial(decided, table=_PLATES))


def _on(pool: Pool, opened: contextlib.ExitStack, threads: int) -> Readers:
    readers = PostgresReaders(pool, threads=threads)
    opened.callback(readers.close)
    return readers


Access: TypeAlias = SqliteAccess | PostgresAccess
