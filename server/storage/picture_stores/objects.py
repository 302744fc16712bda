"""An object store: S3, or any service that speaks its protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import MemoryStore, S3Store

from server.storage.picture_stores.contract import HeldPicture, days_named, is_key
from server.storage.picture_stores.failures import picture_errors
from server.storage.pictures import day_of
from wire.checks import CheckedPicture

UPLOADS_AT_ONCE: Final = 16
_BATCH: Final = 1000
"""As many objects as one request of S3 lists or deletes."""


class ObjectPictures:
    """An object for each picture, DAY/SHA256. Implements PictureStore.

    `place` is how errors call the store.
    """

    def __init__(self, store: S3Store | MemoryStore, place: str) -> None:
        self._store = store
        self._place = place

    async def add(self, received_at: datetime, pictures: Sequence[CheckedPicture]) -> None:
        day = day_of(received_at.astimezone(UTC))
        unique = {picture.sha256: picture.content for picture in pictures}
        free = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def put(sha256: str, content: bytes) -> None:
            async with free:
                await obstore.put_async(
                    self._store, f"{day}/{sha256}", content, use_multipart=False
                )

        first: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                for sha256, content in unique.items():
                    tasks.create_task(put(sha256, content))
        except* (BaseError, OSError, ValueError) as group:
            first = group.exceptions[0]  # raised here Python 3.11.2 puts it in a group again
        if first is not None:
            with self._errors():
                raise first

    def read(self, sha256: str, day: str) -> bytes | None:
        key = f"{day}/{sha256}"
        if not is_key(key):
            return None
        with self._errors():
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

    def days(self) -> list[date]:
        with self._errors():
            return days_named(obstore.list_with_delimiter(self._store)["common_prefixes"])

    def held(self, day: date) -> Iterator[Sequence[HeldPicture]]:
        with self._errors():
            for batch in obstore.list(self._store, day.isoformat(), chunk_size=_BATCH):
                yield [
                    HeldPicture(each["path"].partition("/")[2], each["size"])
                    for each in batch
                    if is_key(each["path"])
                ]

    def discard(self, day: date, sha256s: Collection[str]) -> None:
        keys = [f"{day.isoformat()}/{sha256}" for sha256 in sha256s]
        with self._errors():
            for first in range(0, len(keys), _BATCH):
                obstore.delete(self._store, keys[first : first + _BATCH])

    def discard_day(self, day: date) -> None:
        for batch in self.held(day):
            self.discard(day, [each.sha256 for each in batch])

    def close(self) -> None:
        """Nothing is held open."""

    def _errors(self) -> AbstractContextManager[None]:
        return picture_errors(self._place, BaseError, OSError, ValueError)
