"""Is the peer still there? A line is dead when nothing arrives on it, not even answers to pings.

The library's own rule, a pong within a time, would hang up on a slow line whose buffers are full
of a picture: there the pong stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from websockets.asyncio.server import ServerConnection

PING_S: Final = 20.0
SILENT_AFTER_S: Final = 50.0  # a ping, and 30 s for any byte to arrive


class MeteredConnection(ServerConnection):
    """Notes when bytes last arrived, also those within a long frame."""

    received_at_s: float = float("inf")

    def data_received(self, data: bytes) -> None:
        self.received_at_s = self.loop.time()
        super().data_received(data)


def silent_ones(
    connections: Iterable[ServerConnection], *, now_s: float, after_s: float
) -> list[ServerConnection]:
    """Those of which nothing was heard for `after_s`, though we listened.

    Where the socket is not read (the byte budget is used up), silence is our own doing.
    """
    return [
        each
        for each in connections
        if isinstance(each, MeteredConnection)
        and now_s - each.received_at_s > after_s
        and each.transport.is_reading()
    ]
