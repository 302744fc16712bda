"""Counts who is inside and who was turned away, so that one address cannot take all the room.

Decisions on plain values; time comes in as an argument.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Final

from server.peer import Place

FAILURES_A_MINUTE: Final = 60
"""Of one address: beyond, a failure is answered 429 and no longer logged one by one."""

_ADDRESSES_REMEMBERED: Final = 10_000
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A connection that was let in: where it comes from, and as which device where it has a token.

    `place` is None for this machine, which has no limit of its own.
    """

    place: Place | None
    device_id: str | None


class Guests:
    """Connections of each address and device. The limits are generous on purpose.

    Many old cameras, each with a connection a row, sit behind one address.
    """

    def __init__(self, *, per_address: int, per_device: int) -> None:
        self._per_address = per_address
        self._per_device = per_device
        self._places: Counter[Place] = Counter()
        self._devices: Counter[str] = Counter()

    def fault(self, guest: Guest) -> str | None:
        """Why there is no room for one more such; None: there is."""
        if guest.place is not None and self._places[guest.place] >= self._per_address:
            return (
                f"{self._per_address} connections from {guest.place} are open already; "
                "SERVER_MAX_CONNECTIONS_PER_ADDRESS allows more"
            )
        if guest.device_id is not None and self._devices[guest.device_id] >= self._per_device:
            return f"{self._per_device} connections of {guest.device_id} are open already"
        return None

    def enter(self, guest: Guest) -> None:
        """To be followed by one `leave`."""
        if guest.place is not None:
            self._places[guest.place] += 1
        if guest.device_id is not None:
            self._devices[guest.device_id] += 1

    def leave(self, guest: Guest) -> None:
        take_one(self._places, guest.place)
        take_one(self._devices, guest.device_id)


class Failures:
    """How often each address was turned away within the minute. Forgets the oldest when full."""

    def __init__(self, most_a_minute: int = FAILURES_A_MINUTE) -> None:
        self._most = most_a_minute
        self._counts: OrderedDict[Place, tuple[float, int]] = OrderedDict()

    def note(self, place: Place | None, now_s: float) -> int:
        """Counts one more; returns how many beyond the limit there were within this minute."""
        key = place or "this machine"
        since_s, count = self._counts.pop(key, (now_s, 0))
        if now_s - since_s >= _MINUTE_S:
            since_s, count = now_s, 0
        self._counts[key] = (since_s, count + 1)
        if len(self._counts) > _ADDRESSES_REMEMBERED:
            self._counts.popitem(last=False)
        return max(0, count + 1 - self._most)


def take_one(counts: Counter[str], key: str | None) -> None:
    """One less; of what there is none any more nothing is remembered."""
    if key is None:
        return
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
