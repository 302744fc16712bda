"""A camera's watchlist on its way: its version, the parts that it travels in, and these together
again. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from wire import v1
from wire.errors import PeerMisbehaved
from wire.limits import PLATES_PER_PART, WATCHED_PLATES
from wire.v1 import WatchedPlate, Watchlist

_VERSION_DIGITS: Final = 32
_PARTS: Final = WATCHED_PLATES // PLATES_PER_PART


class WholeWatchlist(msgspec.Struct, frozen=True):
    """All that a camera is to watch for, in place of what it held before."""

    version: str
    plates: tuple[WatchedPlate, ...]


def whole_of(plates: Iterable[WatchedPlate]) -> WholeWatchlist:
    """At most WATCHED_PLATES. The same plates have the same version, whichever server says them."""
    ordered = tuple(sorted(set(plates), key=msgspec.json.encode))
    version = hashlib.sha256(msgspec.json.encode(ordered)).hexdigest()[:_VERSION_DIGITS]
    return WholeWatchlist(version, ordered)


def parts_of(whole: WholeWatchlist) -> Iterator[bytes]:
    """The frames to send, in order; one of them where there are no plates."""
    plates = whole.plates
    count = max(1, -(-len(plates) // PLATES_PER_PART))
    for number in range(count):
        begin = number * PLATES_PER_PART
        yield v1.encode(
            Watchlist(
                version=whole.version,
                part=number + 1,
                parts=count,
                plates=list(plates[begin : begin + PLATES_PER_PART]),
            )
        )


class PartsTogether:
    """Parts as they come; the first one of another list ends one that was not complete."""

    def __init__(self) -> None:
        self._version = ""
        self._plates: list[WatchedPlate] = []
        self._expected = 1

    def add(self, part: Watchlist) -> WholeWatchlist | None:
        """The whole list with its last part. Raises PeerMisbehaved for one out of turn."""
        if part.part == 1:
            self._version, self._plates, self._expected = part.version, [], 1
        is_next = (part.version, part.part) == (self._version, self._expected)
        if not is_next or not part.part <= part.parts <= _PARTS:
            raise PeerMisbehaved(
                f"the server sent part {part.part} of {part.parts} of a watchlist, expected part "
                f"{self._expected} of at most {_PARTS} of one list"
            )
        self._plates.extend(part.plates)
        self._expected += 1
        if part.part < part.parts:
            return None
        whole = WholeWatchlist(part.version, tuple(self._plates))
        self._plates = []
        return whole
