"""The plates that this camera watches for: kept in its database, looked up for each sighting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import apsw
import msgspec

from wire.pattern_tree import ANY, ONE, PatternTree
from wire.plates import compact, plate_key
from wire.v1 import WatchedPlate
from wire.watchlist import WholeWatchlist

_plates: Final = msgspec.json.Decoder(tuple[WatchedPlate, ...])


class WatchedPlates:
    """Plates to watch for, found by a reading. Pure."""

    def __init__(self, plates: Iterable[WatchedPlate]) -> None:
        self._plates = tuple(plates)
        self._whole: dict[tuple[bool, str], list[int]] = {}
        self._open = {True: PatternTree(), False: PatternTree()}
        for number, each in enumerate(self._plates):
            is_exact = each.matching == "exact"
            text = compact(each.plate) if is_exact else plate_key(each.plate)
            if ANY in text or ONE in text:
                self._open[is_exact].add(text, number)
            else:
                self._whole.setdefault((is_exact, text), []).append(number)

    def cover(self, plate: str, at: datetime) -> bool:
        """Whether one of them is this reading, or may be it, and counts at that time."""
        if not compact(plate):
            return False
        return any(
            _counts(self._plates[number], at)
            for is_exact, text in ((True, compact(plate)), (False, plate_key(plate)))
            for number in (*self._whole.get((is_exact, text), ()), *self._open[is_exact].find(text))
        )


class Watch:
    """The watchlist as the database has it; read again when its version is another."""

    def __init__(self) -> None:
        self._version = ""
        self._plates = WatchedPlates(())

    def covers(self, connection: apsw.Connection, plate: str, at: datetime) -> bool:
        """Raises apsw.Error, msgspec.MsgspecError."""
        if version_held(connection) != self._version:
            version, plates = connection.execute("SELECT version, plates FROM watchlist").get
            self._plates = WatchedPlates(_plates.decode(plates))
            self._version = version
        return self._plates.cover(plate, at)


def version_held(connection: apsw.Connection) -> str:
    """Empty where the server said none yet."""
    return str(connection.execute("SELECT version FROM watchlist").get)


def keep(connection: apsw.Connection, whole: WholeWatchlist) -> None:
    """In place of the one before, in the caller's transaction."""
    plates = msgspec.json.encode(whole.plates).decode()
    connection.execute("UPDATE watchlist SET version = ?, plates = ?", (whole.version, plates))


def _counts(plate: WatchedPlate, at: datetime) -> bool:
    return (plate.valid_from is None or at >= plate.valid_from) and (
        plate.valid_until is None or at < plate.valid_until
    )
