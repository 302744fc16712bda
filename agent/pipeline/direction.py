"""Which way something went, from its first and its last box. Values only."""

from __future__ import annotations

import math

from vision.geometry import Box

_GROWN = 1.12
_MOVED = 0.6
_GROWN_FOR_SURE, _MOVED_FOR_SURE = 1.35, 0.3


def direction(first: Box, last: Box) -> str | None:
    """`approaching` or `receding` by the change of size; where that is not clear, by the way it
    went, if that is more than 0.6 of its own size: down the picture is approaching (cameras look
    down on what passes), up is receding, else `left` or `right`. None where it hardly moved."""
    size_first, size_last = _size(first), _size(last)
    if min(size_first, size_last) <= 0:
        return None
    growth = size_last / size_first
    if growth >= _GROWN:
        return "approaching"
    if growth <= 1 / _GROWN:
        return "receding"
    across, down = (b - a for a, b in zip(first.center, last.center, strict=True))
    if max(abs(across), abs(down)) < _MOVED * max(size_first, size_last):
        return None
    if abs(down) > abs(across):
        return "approaching" if down > 0 else "receding"
    return "right" if across > 0 else "left"


def has_moved(first: Box, last: Box) -> bool:
    """Whether it is elsewhere or of another size, beyond what reading it twice differs by: looks
    at parts of other sizes gave boxes of one sign up to 0.13 of its width apart and 0.83 to 1.17
    times as large."""
    way = math.dist(first.center, last.center)
    growth = _size(last) / max(_size(first), 1.0)
    grown = not 1 / _GROWN_FOR_SURE < growth < _GROWN_FOR_SURE
    return way > _MOVED_FOR_SURE * max(first.width, last.width, 1.0) or grown


def _size(box: Box) -> float:
    return math.sqrt(box.area)
