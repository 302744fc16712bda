"""A folder, which may be on a file system that several machines share."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from server.storage.durable import make_folder, sync
from server.storage.picture_stores.contract import HeldPicture, days_named, is_key
from server.storage.picture_stores.failures import picture_errors
from server.storage.pictures import day_of
from wire.checks import CheckedPicture

_DRAFT_S: Final = 3600.0
"""Nobody writes a picture for as long as that."""
_DRAFT: Final = re.compile(r"\.[0-9a-f]{16}-[0-9a-f]{8}")
"""What a crash leaves of a picture."""


class FolderPictures:
    """A file for each picture, DAY/SHA256, that is there whole or not at all. Implements
    PictureStore.

    A file gets a name of its own first and its true name when it is on the disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._executor = ThreadPoolExecutor(4, thread_name_prefix="sightpost-pictures")

    async def add(self, received_at: datetime, pictures: Sequence[CheckedPicture]) -> None:
        if not pictures:
            return
        loop = asyncio.get_running_loop()
        folder = self._folder / day_of(received_at.astimezone(UTC))
        with self._errors():
            await loop.run_in_executor(self._executor, make_folder, folder)
            unique = {picture.sha256: picture for picture in pictures}
            await asyncio.gather(
                *(
                    loop.run_in_executor(self._executor, _put, folder / sha256, picture.content)
                    for sha256, picture in unique.items()
                )
            )
            await loop.run_in_executor(self._executor, sync, folder)

    def read(self, sha256: str, day: str) -> bytes | None:
        if not is_key(f"{day}/{sha256}"):
            return None
        with self._errors():
            try:
                return (self._folder / day / sha256).read_bytes()
            except FileNotFoundError:
                return None

    def days(self) -> list[date]:
        with self._errors():
            if not self._folder.exists():
                return []
            return days_named(path.name for path in self._folder.iterdir())

    def held(self, day: date) -> Iterator[Sequence[HeldPicture]]:
        with self._errors():
            yield [
                HeldPicture(path.name, path.stat().st_size)
                for path in (self._folder / day.isoformat()).glob("*")
                if is_key(f"{day}/{path.name}")
            ]

    def discard(self, day: date, sha256s: Collection[str]) -> None:
        folder = self._folder / day.isoformat()
        with self._errors():
            if not folder.is_dir():
                return
            for sha256 in sha256s:
                if is_key(f"{day}/{sha256}"):
                    (folder / sha256).unlink(missing_ok=True)
            for path in folder.iterdir():
                if _DRAFT.fullmatch(path.name) and time.time() - path.stat().st_mtime > _DRAFT_S:
                    path.unlink(missing_ok=True)
            sync(folder)

    def discard_day(self, day: date) -> None:
        """What another program has put there stays, and its folder then."""
        folder = self._folder / day.isoformat()
        with self._errors():
            if not folder.is_dir():
                return
            for path in folder.iterdir():
                if is_key(f"{day}/{path.name}") or _DRAFT.fullmatch(path.name):
                    path.unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()
            sync(self._folder)

    def close(self) -> None:
        self._executor.shutdown(wait=True)

    def _errors(self) -> AbstractContextManager[None]:
        return picture_errors(self._folder, OSError)


def _put(path: Path, content: bytes) -> None:
    """The folder's names are synced by the caller, once for all."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name[:16]}-{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
