"""How many may stand at the door: TLS handshakes under way, and peers that owe their HTTP request.

Of the latter, beyond the limit, the oldest of the place that has most of them goes, so that a crowd
of silent ones keeps nobody out. The limits must leave room for a fleet that comes back all at once.
"""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from server.ingest.guests import take_one
from server.ingest.patience import Patience
from server.peer import address_of, place_of


class Visitor(Protocol):
    """A connection of which the HTTP request is not whole yet."""

    @property
    def peer(self) -> str: ...

    def hang_up(self) -> None: ...


class Door:
    """Who owes a request. Lives on the event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[Visitor, str] = {}
        self._places: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def places(self) -> int:
        """From how many places they come."""
        return len(self._places)

    def knocked(self, visitor: Visitor) -> None:
        place = place_of(address_of(visitor.peer)) or "this machine"
        self._waiting[visitor] = place
        self._places[place] += 1
        if len(self._waiting) > self._most:
            (fullest, _), *_ = self._places.most_common(1)
            oldest = next(each for each, where in self._waiting.items() if where == fullest)
            self.left(oldest)
            oldest.hang_up()

    def left(self, visitor: Visitor) -> None:
        """Made its request or went away; may be repeated."""
        take_one(self._places, self._waiting.pop(visitor, None))


class CountingContext(ssl.SSLContext):
    """Begins no TLS handshake while `most` are under way.

    A handshake counts until it is `done`, its object is dropped (which loops do when it failed,
    some at once) or `lasts_s` are over, after which the loop has ended it.
    """

    most: int
    lasts_s: float = Patience().tls_s
    now_s: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, *_args: Any) -> None:
        super().__init__()
        self._begun_s: WeakKeyDictionary[ssl.SSLObject, float] = WeakKeyDictionary()

    @property
    def under_way(self) -> int:
        oldest_s = self.now_s() - self.lasts_s
        return sum(begun_s > oldest_s for begun_s in self._begun_s.values())

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        if len(self._begun_s) >= self.most and self.under_way >= self.most:
            raise ssl.SSLError("too many TLS handshakes are under way")
        made = super().wrap_bio(*args, **kwargs)
        self._begun_s[made] = self.now_s()
        return made

    def done(self, made: ssl.SSLObject) -> None:
        """The handshake is over: from now on it is an ordinary connection."""
        self._begun_s.pop(made, None)
