"""A few megabytes kept on the disk, so that on a full one there is room to make room."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger(__name__)

SIZE_BYTES: Final = 4 * 1024 * 1024


def reserve_beside(database: Path) -> Reserve:
    """Its own."""
    return Reserve(database.with_name(database.name + ".reserve"))


class Reserve:
    """The file beside the database. Never raises: without it things go on as far as they go."""

    def __init__(self, path: Path, size_bytes: int = SIZE_BYTES) -> None:
        self.path = path
        self._size_bytes = size_bytes

    def hold(self) -> bool:
        """Whether the file has its size now; makes it where there is room."""
        try:
            if self.path.exists() and self.path.stat().st_size == self._size_bytes:
                return True
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                os.posix_fallocate(handle, 0, self._size_bytes)
            finally:
                os.close(handle)
        except OSError as error:
            log.warning("no room for the reserve", file=str(self.path), error=str(error))
            self.release()
            return False
        return True

    def release(self) -> bool:
        """Gives the room to whoever writes next; whether there was some."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True
