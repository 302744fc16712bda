"""What is asked of whatever keeps pictures."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from wire.checks import CheckedPicture

_KEY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HeldPicture:
    """A picture that is there, by the SHA-256 of its content (64 hex digits)."""

    sha256: str
    size_bytes: int


class PictureReading(Protocol):
    """Where pictures are read."""

    def read(self, sha256: str, day: str) -> bytes | None:
        """A picture's bytes; None: that day (YYYY-MM-DD) has none such. Blocks."""
        ...


class PictureStore(PictureReading, Protocol):
    """Pictures by the day (UTC) on which they were received and the SHA-256 of their content.

    Several processes keep and read at once. Each method raises StorageUnavailable where the store
    cannot be used. Only `add` belongs on the event loop: the others block.
    """

    async def add(self, received_at: datetime, pictures: Sequence[CheckedPicture]) -> None:
        """All are there for good when it returns; one that was there already is left as it is.

        Called before the rows that name them are committed, so that a crash leaves at most a
        picture without a row.
        """
        ...

    def days(self) -> list[date]:
        """The days of which there are pictures, in order."""
        ...

    def held(self, day: date) -> Iterator[Sequence[HeldPicture]]:
        """Everything of a day, some at a time."""
        ...

    def discard(self, day: date, sha256s: Collection[str]) -> None:
        """These are gone for good when it returns, also those that were not there; and what crashes
        left of that day half written."""
        ...

    def discard_day(self, day: date) -> None:
        """No picture of that day is there when it returns, and `days` does not name it. For days
        long past, on which nothing arrives any more."""
        ...

    def close(self) -> None:
        """Waits for what is in hand; idempotent."""
        ...


def is_key(name: str) -> bool:
    """Whether it is DAY/SHA256, as a picture is named in a store of files or objects."""
    return _KEY.fullmatch(name) is not None


def days_named(names: Iterable[str]) -> list[date]:
    """The days among the names, in order; others are not ours."""
    found = []
    for name in names:
        try:
            day = date.fromisoformat(name)
        except ValueError:
            continue
        if day.isoformat() == name:
            found.append(day)
    return sorted(found)
