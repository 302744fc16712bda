"""Pictures on disk: one SQLite file a day, each picture once, by the SHA-256 of its bytes."""

from __future__ import annotations

import base64
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import apsw
import structlog

from db.migrations import SERVER_SQLITE
from server.errors import StorageUnavailable
from server.storage.connection import BUSY_TIMEOUT_MS, storage_errors, transaction
from server.storage.durable import make_folder
from wire.checks import CheckedPicture
from wire.errors import ErrorCode

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_OPEN_FILES: Final = 4
_PAGE_BYTES: Final = 16_384
"""Pictures of some 45 KB fill 3 pages: half the time of SQLite's default 4096 on ext4."""
_DAMAGED: Final = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError)
"""What a file says that is not whole, is none of SQLite, or has no table."""

_log = structlog.get_logger(__name__)


def day_of(received_at: datetime) -> str:
    """The day whose file holds the pictures received then: the first ten characters of UTC."""
    return received_at.date().isoformat()


class PictureArchive:
    """The folder of picture files. Safe to use from several threads, one at a time inside."""

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        self._folder = folder
        self._read_only = read_only
        self._open: OrderedDict[str, apsw.Connection] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, day: str, pictures: Iterable[CheckedPicture]) -> None:
        """Commits the pictures to that day's file; those it holds already are left alone. Raises
        StorageUnavailable where that is damaged, until somebody has moved it away."""
        rows = [(each.sha256, len(each.content), each.content) for each in pictures]
        if not rows:
            return
        with self._lock:
            try:
                connection = self._connection(day)
                if connection is None:
                    raise ValueError(f"pictures are kept by day, YYYY-MM-DD, not {day!r}")
                with transaction(connection):
                    connection.executemany("INSERT OR IGNORE INTO pictures VALUES (?, ?, ?)", rows)
            except _DAMAGED as error:
                self._let_go(day)
                raise _no_place(self._folder / f"{day}.db", error) from error

    def read(self, sha256: str, day: str) -> bytes | None:
        """A picture's bytes, None where that day's file is gone or damaged, or never had it: who
        goes through pictures must not stand before one for ever. Raises StorageUnavailable."""
        with self._lock, storage_errors():
            try:
                connection = self._connection(day)
                if connection is None:
                    return None
                found = connection.execute(
                    "SELECT content FROM pictures WHERE sha256 = ?", (sha256,)
                ).fetchone()
            except _DAMAGED as error:
                _log.warning("a day's file of pictures is damaged", day=day, reason=str(error))
                self._let_go(day)  # it may be brought back from a backup
                return None
        return bytes(found[0]) if found else None

    def held(self, day: str) -> list[tuple[str, int]]:
        """SHA-256 and size in bytes of each picture of that day."""
        with self._lock:
            connection = self._connection(day)
            found: Any = (
                ()
                if connection is None
                else connection.execute("SELECT sha256, size_bytes FROM pictures")
            )
            return list(found)

    def discard(self, day: str, sha256s: Iterable[str]) -> None:
        """Commits that these are gone; those that were not there are no matter."""
        with self._lock:
            if not (self._folder / f"{day}.db").exists():
                return
            connection = self._connection(day)
            if connection is not None:
                with transaction(connection):
                    connection.executemany(
                        "DELETE FROM pictures WHERE sha256 = ?", [(each,) for each in sha256s]
                    )

    def let_go(self, day: str) -> None:
        """Closes that day's file if it is open."""
        with self._lock:
            self._let_go(day)

    def release_memory(self) -> None:
        """Gives back what SQLite keeps of open files."""
        with self._lock:
            for connection in self._open.values():
                connection.release_memory()

    def close(self) -> None:
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _let_go(self, day: str) -> None:
        connection = self._open.pop(day, None)
        if connection is not None:
            connection.close()

    def _connection(self, day: str) -> apsw.Connection | None:
        connection = self._open.get(day)
        if connection is not None:
            self._open.move_to_end(day)
            return connection
        if _DAY.fullmatch(day) is None:
            return None
        path = self._folder / f"{day}.db"
        if self._read_only and not path.exists():
            return None
        connection = self._open_file(path)
        self._open[day] = connection
        if len(self._open) > _OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        return connection

    def _open_file(self, path: Path) -> apsw.Connection:
        if self._read_only:
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            return connection
        make_folder(self._folder)
        connection = apsw.Connection(str(path))
        try:
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            connection.pragma("page_size", _PAGE_BYTES)
            connection.pragma("journal_mode", "WAL")
            connection.pragma("synchronous", 2)
            connection.execute((SERVER_SQLITE / "pictures.sql").read_text(encoding="utf-8"))
        except BaseException:
            connection.close()
            raise
        return connection


def _no_place(path: Path, error: Exception) -> StorageUnavailable:
    return StorageUnavailable(
        ErrorCode.STORAGE_FAILED,
        f"the pictures of this day cannot be kept, {path} is damaged ({error}): move it away, with "
        f"{path.name}-wal and {path.name}-shm; cameras keep their rows until then",
        retry_after_s=5.0,
    )


def register_picture_base64(connection: apsw.Connection, archive: PictureArchive) -> None:
    """Gives SQL of this connection `picture_base64(sha256, day)`: base64 text or NULL."""

    def picture_base64(*arguments: apsw.SQLiteValue) -> str | None:
        sha256, day = arguments
        if not isinstance(sha256, str) or not isinstance(day, str):
            return None
        content = archive.read(sha256, day)
        return None if content is None else base64.b64encode(content).decode()

    connection.create_scalar_function("picture_base64", picture_base64, 2, deterministic=True)
