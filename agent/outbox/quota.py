"""What to give up when the disk is short: sizes and limits in, a choice out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

SLACK: Final = 0.05
"""So much more than needed is freed at once, so that it is needed seldom."""


class Standing(IntEnum):
    """How dear a picture or row is; the lowest goes first. Values are not `sent_to_server`."""

    ACKNOWLEDGED = 0
    REFUSED = 1
    WAITING = 2


class Reason(StrEnum):
    """Why something is given up, as the server is told."""

    QUOTA = "quota"
    FREE_SPACE = "free_space"
    DISK_FULL = "disk_full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`quota_bytes` of pictures at most, `floor_bytes` of the disk free at least; 0: no limit."""

    quota_bytes: int = 0
    floor_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the pictures take, and what the file system could still hold."""

    spool_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """So many bytes of pictures have to go."""

    reason: Reason
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPicture:
    """A picture with the rows that show it, by table and id. `age` sorts: the oldest first.

    Several files, where an older camera kept a large and a small one.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, int], ...]
    standing: Standing
    age: tuple[int, str]
    size_bytes: int = 0


def need(usage: Usage, limits: Limits) -> Need | None:
    """What to free now, with some slack; None while within the limits."""
    over_quota = usage.spool_bytes - limits.quota_bytes if limits.quota_bytes else 0
    below_floor = limits.floor_bytes - usage.free_bytes
    if over_quota <= 0 and below_floor <= 0:
        return None
    quota_need = over_quota + int(limits.quota_bytes * SLACK) if over_quota > 0 else 0
    floor_need = below_floor + int(limits.floor_bytes * SLACK) if below_floor > 0 else 0
    reason = Reason.QUOTA if quota_need >= floor_need else Reason.FREE_SPACE
    return Need(reason=reason, size_bytes=min(max(quota_need, floor_need), usage.spool_bytes))


def in_order(pictures: Iterable[HeldPicture]) -> list[HeldPicture]:
    """The order of giving up: what the server has, what it refused, what waits; oldest first."""
    return sorted(pictures, key=lambda picture: (picture.standing, picture.age))


def enough(pictures: Iterable[HeldPicture], size_bytes: int) -> Iterator[HeldPicture]:
    """The first pictures until their sizes reach `size_bytes`; takes no more than it gives."""
    freed = 0
    if size_bytes <= 0:
        return
    for picture in pictures:
        yield picture
        freed += picture.size_bytes
        if freed >= size_bytes:
            return
