"""A cap on what is sent: a token bucket, and frames put onto a connection in its measure.

The bucket is pure. Control frames (pings, pongs, close) are not counted, so that they pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from websockets.asyncio.client import ClientConnection

PIECE_S: Final = 0.25
"""How long a piece may take at the capped rate: a ping behind it waits no longer."""
LEAST_PIECE_BYTES: Final = 512
MOST_PIECES: Final = 2_048
"""Of one frame; readers limit the fragments of a message (`websockets`: 4,096)."""


class Pace:
    """`bytes_s` on average, with bursts of `PIECE_S`; 0: no cap. Times are monotonic seconds."""

    def __init__(self, bytes_s: float) -> None:
        self.bytes_s = bytes_s
        self._paid_until_s = float("-inf")

    def wait_s(self, size_bytes: int, now_s: float) -> float:
        """Takes so many bytes out of the bucket; how long to wait before they may go."""
        if not self.bytes_s:
            return 0.0
        begin_s = max(self._paid_until_s, now_s - PIECE_S)
        self._paid_until_s = begin_s + size_bytes / self.bytes_s
        return max(0.0, begin_s - now_s)

    def piece_bytes(self, frame_bytes: int) -> int:
        """How long the pieces of such a frame may be; the whole frame where there is no cap."""
        if not self.bytes_s:
            return frame_bytes
        least = max(LEAST_PIECE_BYTES, -(-frame_bytes // MOST_PIECES))
        return max(least, int(self.bytes_s * PIECE_S))


async def send_frame(
    connection: ClientConnection,
    content: bytes,
    *,
    piece_bytes: int,
    pace: Pace,
    now_s: Callable[[], float],
    note: Callable[[int], None],
) -> None:
    """One text message, in fragments where it is longer than a piece, each when the pace allows.

    Waits for the socket between them. `note` hears of each piece that is handed over.
    """
    piece = min(piece_bytes, pace.piece_bytes(len(content)))
    view = memoryview(content)
    parts = [view[at : at + piece] for at in range(0, len(content), piece)]
    if not pace.bytes_s:
        note(len(content))
        await connection.send(content if len(parts) == 1 else parts, text=True)
        return

    async def in_time() -> AsyncIterator[memoryview]:
        for part in parts:
            await asyncio.sleep(pace.wait_s(len(part), now_s()))
            note(len(part))
            yield part

    await connection.send(in_time(), text=True)
