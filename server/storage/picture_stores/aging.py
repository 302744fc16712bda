"""Old days of pictures: how many there are, and how they are given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import structlog

from server.errors import GroupRefused, StorageUnavailable
from server.storage.picture_stores.contract import PictureStore

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Days:
    """So many days of pictures, and their size."""

    count: int
    size_bytes: int


async def measure_days(store: PictureStore, before: date) -> Days:
    """Those before that day, their size as far as it can be told. Raises StorageUnavailable."""
    days = await _old(store, before)
    sizes = [await asyncio.to_thread(_size_of, store, day) for day in days]
    return Days(len(days), sum(sizes))


async def give_up_days(store: PictureStore, before: date, *, report: Callable[[int], None]) -> Days:
    """The oldest first; `report` is told of each. Raises StorageUnavailable.

    Their rows are gone by then: a row that is there has its picture.
    """
    days = await _old(store, before)
    size_bytes = 0
    for day in days:
        size_bytes += await asyncio.to_thread(_size_of, store, day)
        await asyncio.to_thread(store.discard_day, day)
        report(1)
    return Days(len(days), size_bytes)


async def _old(store: PictureStore, before: date) -> list[date]:
    return [day for day in await asyncio.to_thread(store.days) if day < before]


def _size_of(store: PictureStore, day: date) -> int:
    """0 of one that cannot be looked into: a damaged day must not keep all that is old for ever."""
    try:
        return sum(each.size_bytes for batch in store.held(day) for each in batch)
    except (GroupRefused, StorageUnavailable) as error:
        _log.warning("old pictures cannot be measured", day=day.isoformat(), reason=str(error))
        return 0
