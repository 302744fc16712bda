"""A connection that accounts for each byte that came out of its socket, and is read or not read.

Bytes are charged to the inflow when they arrive. Those of a message go with it to whoever takes it;
all others (control frames, the HTTP request, what an ended connection leaves) are given back here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Frame
from websockets.http11 import Request
from websockets.protocol import State

from server.ingest.door import CountingContext, Door
from server.ingest.inflow import Inflow

FRAME_COST_BYTES: Final = 512
"""What a frame takes in memory besides its payload: tiny fragments must not come for nothing."""
REQUEST_BYTES: Final = 16 * 1024
"""An HTTP request with more than this is no camera's."""
_MASK_BYTES: Final = 4
_END_OF_REQUEST: Final = b"\r\n\r\n"


class MeteredConnection(ServerConnection):
    """Implements `inflow.Reader`. Not read while held back, or while its peer takes no answers."""

    def __init__(self, *args: Any, inflow: Inflow, door: Door, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._inflow = inflow
        self._door = door
        self._request_so_far: bytes | None = b""
        self._arrived = 0
        self._held = 0
        self._message = 0
        self._finished: deque[int] = deque()
        self._finished_bytes = 0
        self._reasons_not_to_read: set[str] = set()
        self.received_at_s = float("inf")
        self.deaf_since_s: float | None = None

    @property
    def peer(self) -> str:
        return str(self.remote_address[0]) if self.remote_address else "unknown"

    @property
    def unfinished_bytes(self) -> int:
        return self._held - self._finished_bytes

    @property
    def arrived_bytes(self) -> int:
        return self._arrived

    @property
    def is_read(self) -> bool:
        """Whether silence would be the peer's doing."""
        return not self._reasons_not_to_read

    async def take(self) -> tuple[str | bytes, int]:
        """The next message, and its bytes in the budget: to be released by the taker, once."""
        content = await self.recv()
        if not self._finished:
            return content, 0  # the connection has ended meanwhile, which gave them back
        size = self._finished.popleft()
        self._finished_bytes -= size
        self._held -= size
        return content, size

    def hold_back(self) -> None:
        self._stop_reading("memory")

    def go_on(self) -> None:
        self._start_reading("memory")

    def hang_up(self) -> None:
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.recv_messages.pause = lambda: self._stop_reading("queue")
        self.recv_messages.resume = lambda: self._start_reading("queue")
        self._inflow.joined(self)
        self._door.knocked(self)
        encryption = transport.get_extra_info("ssl_object")
        if encryption is not None and isinstance(encryption.context, CountingContext):
            encryption.context.done(encryption)

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.left(self)
        held, self._held, self._finished_bytes = self._held, 0, 0
        self._finished.clear()
        self._inflow.left(self, held)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.received_at_s = self.loop.time()
        if self._is_hasty(data):
            self.hang_up()
            return
        self._arrived += len(data)
        self._charge(len(data))
        super().data_received(data)
        if self.protocol.state is State.CONNECTING and self._held > REQUEST_BYTES:
            self.hang_up()
        self._inflow.looked_at(self, self.received_at_s)
        if self._reasons_not_to_read:  # a pause before the first read does nothing in uvloop
            self.transport.pause_reading()

    def process_event(self, event: Any) -> None:
        if isinstance(event, Request):
            self._door.left(self)
            self._give_back(self._held)
        elif isinstance(event, Frame):
            size = _wire_bytes(event)
            if event.opcode in DATA_OPCODES:
                self._charge(FRAME_COST_BYTES)
                self._message += size + FRAME_COST_BYTES
                if event.fin:
                    self._finish()
            else:
                self._give_back(size)
        super().process_event(event)

    def _is_hasty(self, data: bytes) -> bool:
        """Whether more comes with the HTTP request, whose bytes would be given back with its own.

        RFC 6455, section 4.1: a client waits for the answer before it sends anything further.
        """
        if self._request_so_far is None:
            return False
        request = self._request_so_far + data
        end = request.find(_END_OF_REQUEST)
        is_whole = end >= 0
        self._request_so_far = None if is_whole else request[1 - len(_END_OF_REQUEST) :]
        return is_whole and end + len(_END_OF_REQUEST) < len(request)

    def pause_writing(self) -> None:
        """The peer takes nothing: what it sends would only make more answers and pongs."""
        super().pause_writing()
        self.deaf_since_s = self.loop.time()
        self._stop_reading("deaf")

    def resume_writing(self) -> None:
        super().resume_writing()
        self.deaf_since_s = None
        self._start_reading("deaf")

    def _charge(self, size: int) -> None:
        self._held += size
        self._inflow.arrived(size)

    def _give_back(self, size: int) -> None:
        self._held -= size
        self._inflow.dealt_with(size)

    def _finish(self) -> None:
        self._finished.append(self._message)
        self._finished_bytes += self._message
        self._message = 0

    def _stop_reading(self, reason: str) -> None:
        if not self._reasons_not_to_read:
            self.transport.pause_reading()
        self._reasons_not_to_read.add(reason)

    def _start_reading(self, reason: str) -> None:
        if reason not in self._reasons_not_to_read:
            return
        self._reasons_not_to_read.discard(reason)
        if not self._reasons_not_to_read and not self.transport.is_closing():
            self.received_at_s = self.loop.time()
            self.transport.resume_reading()


def metered(inflow: Inflow, door: Door) -> type[MeteredConnection]:
    """The class of connections that account to these."""

    class Ours(MeteredConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, inflow=inflow, door=door, **kwargs)

    return Ours


def _wire_bytes(frame: Frame) -> int:
    """What the frame took on the wire (RFC 6455, section 5.2)."""
    size = len(frame.data)
    length = 2 if size < 126 else 4 if size < 65_536 else 10
    return length + _MASK_BYTES + size
