"""One SQLite file a day: the pictures of processes that run on one machine."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

from server.errors import StorageUnavailable
from server.storage.connection import storage_errors
from server.storage.picture_stores.contract import HeldPicture
from server.storage.pictures import PictureArchive, day_of
from server.storage.pruning import picture_files, remove
from wire.checks import CheckedPicture
from wire.errors import ErrorCode


class DailyPictures:
    """Implements PictureStore."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._archive = PictureArchive(folder, read_only=False)
        self._reading = PictureArchive(folder, read_only=True)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sightpost-pictures")

    async def add(self, received_at: datetime, pictures: Sequence[CheckedPicture]) -> None:
        if pictures:
            await asyncio.get_running_loop().run_in_executor(
                self._executor, self._add, day_of(received_at.astimezone(UTC)), pictures
            )

    def read(self, sha256: str, day: str) -> bytes | None:
        with storage_errors():
            return self._reading.read(sha256, day)

    def days(self) -> list[date]:
        return [day for day, _ in picture_files(self._folder)]

    def held(self, day: date) -> Iterator[Sequence[HeldPicture]]:
        with storage_errors():
            found = self._reading.held(day.isoformat())
        yield [HeldPicture(sha256, size_bytes) for sha256, size_bytes in found]

    def discard(self, day: date, sha256s: Collection[str]) -> None:
        with storage_errors():
            self._archive.discard(day.isoformat(), sha256s)

    def discard_day(self, day: date) -> None:
        """A server that has its file open keeps the room until it opens those of later days."""
        with storage_errors():
            for archive in (self._archive, self._reading):
                archive.let_go(day.isoformat())
        try:
            for of_day, path in picture_files(self._folder):
                if of_day == day:
                    remove(path)
        except OSError as error:
            raise StorageUnavailable(
                ErrorCode.STORAGE_FAILED,
                f"pictures of {day} cannot be given up: {error}",
                retry_after_s=5.0,
            ) from error

    def close(self) -> None:
        self._executor.shutdown(wait=True)
        self._archive.close()
        self._reading.close()

    def _add(self, day: str, pictures: Sequence[CheckedPicture]) -> None:
        with storage_errors():
            self._archive.add(day, pictures)
