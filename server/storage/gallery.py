"""The face gallery's rows in SQLite, for threads. Implements the gallery's GalleryDatabase."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw

from server.storage.asking import Reader, T, Writer
from server.storage.connection import (
    open_reader,
    open_second_writer,
    storage_errors,
    transaction,
)
from server.storage.sqlite_statements import SqliteStatements, SqliteWriter


class SqliteGalleryDatabase:
    """A migrated file. Each thread that reads has a connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = open_second_writer(path)
        self._writer.pragma("secure_delete", True)  # what is forgotten is overwritten
        self._turn = threading.Lock()
        self._opening = threading.Lock()
        self._mine = threading.local()
        self._readers: list[apsw.Connection] = []

    def read(self, work: Callable[[Reader], T]) -> T:
        with storage_errors():
            connection = self._reader()
            with _moment(connection):
                return work(SqliteStatements(connection))

    def change(self, work: Callable[[Writer], T]) -> T:
        with self._turn, storage_errors(), transaction(self._writer):
            return work(SqliteWriter(self._writer))

    def close(self) -> None:
        with self._turn, self._opening:
            for connection in (self._writer, *self._readers):
                connection.close()
            self._readers.clear()

    def _reader(self) -> apsw.Connection:
        held: apsw.Connection | None = getattr(self._mine, "connection", None)
        if held is None:
            held = open_reader(self._path)
            held.create_scalar_function("has_text", _has_text, 2, deterministic=True)
            self._mine.connection = held
            with self._opening:
                self._readers.append(held)
        return held


def _has_text(*arguments: apsw.SQLiteValue) -> bool:
    """Whether a text has some words, whatever the size of its letters: SQLite's own `lower` knows
    only English ones."""
    text, words = arguments
    return str(words) in str(text or "").lower()


@contextlib.contextmanager
def _moment(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
