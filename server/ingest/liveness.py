"""Is the peer still there? A line is dead when nothing arrives on it, not even answers to pings.

The library's own rule, a pong within a time, would hang up on a slow line whose buffers are full
of a picture: there the pong stands behind it.
"""

from __future__ import annotations

from typing import Final, Protocol

from server.ingest.patience import Patience

PING_S: Final = 20.0
"""`Patience.silent_s` is a ping, and 30 s for any byte to arrive."""


class Peer(Protocol):
    """When bytes last arrived, and since when it takes none; event loop's time."""

    @property
    def received_at_s(self) -> float: ...

    @property
    def deaf_since_s(self) -> float | None: ...

    @property
    def is_read(self) -> bool: ...


def is_gone(peer: Peer, patience: Patience, now_s: float) -> bool:
    """Whether nothing was heard for too long, though we listened, or nothing was taken.

    Where the socket is not read (the byte budget is used up), silence is our own doing.
    """
    if peer.deaf_since_s is not None:
        return now_s - peer.deaf_since_s > patience.deaf_s
    return peer.is_read and now_s - peer.received_at_s > patience.silent_s
