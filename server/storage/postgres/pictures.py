"""What the store in PostgreSQL expects of whatever keeps pictures, and the daily files doing it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from server.storage.connection import storage_errors
from server.storage.pictures import PictureArchive, day_of
from wire.checks import CheckedPicture


class PictureKeeper(Protocol):
    """Pictures by the SHA-256 of their content and the day on which they were received.

    Several processes keep and read at once.
    """

    async def add(self, received_at: datetime, pictures: Sequence[CheckedPicture]) -> None:
        """All are there for good when it returns; one that was there already is left alone.

        Called before the rows that name them are committed, so that a crash leaves at most a
        picture without a row. Raises StorageUnavailable.
        """
        ...


class DailyPictures:
    """The folder of SQLite files, for processes of one machine. Implements PictureKeeper."""

    def __init__(self, folder: Path) -> None:
        self._archive = PictureArchive(folder, read_only=False)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sightpost-pictures")

    async def add(self, received_at: datetime, pictures: Sequence[CheckedPicture]) -> None:
        if pictures:
            await asyncio.get_running_loop().run_in_executor(
                self._executor, self._add, day_of(received_at.astimezone(UTC)), pictures
            )

    def close(self) -> None:
        """Waits for the pictures in hand; idempotent."""
        self._executor.shutdown(wait=True)
        self._archive.close()

    def _add(self, day: str, pictures: Sequence[CheckedPicture]) -> None:
        with storage_errors():
            self._archive.add(day, pictures)
