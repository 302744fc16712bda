"""Which plates each camera holds itself, of lists that go to cameras: no more than it may know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from server.bell import Bell
from wire.limits import PLATE_CHARACTERS, WATCHED_PLATES
from wire.v1 import WatchedPlate
from wire.watchlist import WholeWatchlist, whole_of

NOTHING: Final = whole_of(())


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingPlate:
    """A plate that goes to these cameras; None: to all."""

    plate: WatchedPlate
    device_ids: frozenset[str] | None


class Holdings:
    """What each camera is to hold, by the rules of one moment.

    One that more than WATCHED_PLATES speak of holds none: half a list would be taken for all of it.
    """

    def __init__(self, going: Iterable[GoingPlate]) -> None:
        self._everywhere: list[WatchedPlate] = []
        self._own: dict[str, list[WatchedPlate]] = {}
        for each in going:
            if len(each.plate.plate) > PLATE_CHARACTERS:
                continue  # in NFC it has more characters than any reading
            if each.device_ids is None:
                self._everywhere.append(each.plate)
            for device_id in each.device_ids or ():
                self._own.setdefault(device_id, []).append(each.plate)
        self._common = _bounded(self._everywhere)

    def of(self, device_id: str) -> WholeWatchlist:
        """Takes some tens of milliseconds for a camera that has plates of its own."""
        own = self._own.get(device_id)
        return self._common if own is None else _bounded([*self._everywhere, *own])


class CameraLists:
    """The holdings now in force; `changed` rings with each change of any rule."""

    def __init__(self) -> None:
        self.changed = Bell()
        self._holdings: Holdings | None = None

    @property
    def are_known(self) -> bool:
        """Whether the rules were read since the start."""
        return self._holdings is not None

    def put(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self.changed.ring()

    def for_camera(self, device_id: str) -> WholeWatchlist | None:
        """None while the rules were not read yet. See `Holdings.of`."""
        return None if self._holdings is None else self._holdings.of(device_id)


def _bounded(plates: list[WatchedPlate]) -> WholeWatchlist:
    return NOTHING if len(plates) > WATCHED_PLATES else whole_of(plates)
