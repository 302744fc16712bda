"""Pictures from one store into another, each whole and as it was."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from server.storage.picture_stores.contract import PictureStore
from wire.checks import CheckedPicture

Report = Callable[[int], None]
_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """`there` were in the target before; `broken` have another content in the source than their
    name says, and were left out."""

    copied: int
    there: int
    broken: int


def count(store: PictureStore, days: Iterable[date]) -> int:
    """How many pictures these days have. Blocks."""
    return sum(len(batch) for day in days for batch in store.held(day))


async def copy(
    source: PictureStore, target: PictureStore, days: Iterable[date], *, report: Report
) -> Copied:
    """Copies what the target has not, and may be broken off and run again. `report` is told of
    each picture that is seen to. Raises StorageUnavailable."""
    copied = there = broken = 0
    for day in days:
        known = await asyncio.to_thread(_names, target, day)
        for batch in await asyncio.to_thread(list, source.held(day)):
            missing = [each.sha256 for each in batch if each.sha256 not in known]
            there += len(batch) - len(missing)
            report(len(batch) - len(missing))
            for first in range(0, len(missing), _AT_ONCE):
                wanted = missing[first : first + _AT_ONCE]
                pictures = await asyncio.to_thread(_read, source, day, wanted)
                await target.add(datetime.combine(day, time(), UTC), pictures)
                copied += len(pictures)
                broken += len(wanted) - len(pictures)
                report(len(wanted))
    return Copied(copied=copied, there=there, broken=broken)


def _names(store: PictureStore, day: date) -> set[str]:
    return {each.sha256 for batch in store.held(day) for each in batch}


def _read(store: PictureStore, day: date, sha256s: Iterable[str]) -> list[CheckedPicture]:
    found = ((sha256, store.read(sha256, day.isoformat())) for sha256 in sha256s)
    return [
        CheckedPicture(content, sha256)
        for sha256, content in found
        if content is not None and hashlib.sha256(content).hexdigest() == sha256
    ]
