"""A line that is slow, long and lossy, between a client and a server on loopback.

Carries bytes as TCP over such a line would: at a rate, after a delay, and with pauses where a
segment was lost and had to go again. The kernel here may have no emulator of networks (netem), and
a proxy needs no rights. What it leaves out: several losses mended in one round trip (selective
acknowledgements), so that it is rather worse than the real thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from dataclasses import dataclass
from typing import Final

SEGMENT_BYTES: Final = 1_400
BUFFER_BYTES: Final = 16_384
"""What a router of the line holds; more waits in the sender's own socket."""
SOCKET_BYTES: Final = 4_096
LEAST_TIMEOUT_S: Final = 0.2
"""Linux's TCP_RTO_MIN."""
MOST_DOUBLINGS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Each way alike. `rate_bytes_s` 0: any; `delay_s` one way; `loss` is a share of segments.

    A lost segment goes again after `timeout_s` or a round trip, twice that the next time.
    """

    rate_bytes_s: float = 0.0
    delay_s: float = 0.0
    loss: float = 0.0
    timeout_s: float = LEAST_TIMEOUT_S


class BadLine:
    """Listens on a free port of loopback and carries to `target_port` there."""

    def __init__(self, target_port: int, line: Line, *, seed: int) -> None:
        self._target_port = target_port
        self._line = line
        self._random = random.Random(seed)
        self._listener = _listener()
        self._accepting: asyncio.Task[None] | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self.bytes_up = 0

    async def __aenter__(self) -> BadLine:
        self._accepting = asyncio.create_task(self._accept())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        tasks = [task for task in (self._accepting, *self._carrying) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listener)
            self.connections += 1
            task = asyncio.create_task(self._serve(client))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)

    async def _serve(self, client: socket.socket) -> None:
        client.setblocking(False)
        with client, socket.socket() as server:
            server.setblocking(False)
            try:
                address = ("127.0.0.1", self._target_port)
                await asyncio.get_running_loop().sock_connect(server, address)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._carry(client, server, is_upward=True))
                    tasks.create_task(self._carry(server, client, is_upward=False))
            except* OSError:
                pass  # either end hung up, so both are hung up on

    async def _carry(
        self, source: socket.socket, target: socket.socket, *, is_upward: bool
    ) -> None:
        """One way until its end."""
        on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(
            BUFFER_BYTES // SEGMENT_BYTES
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._put_in(source, on_its_way, is_upward=is_upward))
            tasks.create_task(_take_out(on_its_way, target))

    async def _put_in(
        self,
        source: socket.socket,
        on_its_way: asyncio.Queue[tuple[float, bytes]],
        *,
        is_upward: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        free_s = loop.time()
        while True:
            segment = b""
            with contextlib.suppress(OSError):
                segment = await loop.sock_recv(source, SEGMENT_BYTES)
            free_s = max(free_s, loop.time()) + self._transmission_s(len(segment))
            if free_s > loop.time():
                await asyncio.sleep(free_s - loop.time())
            await on_its_way.put((free_s + self._line.delay_s, segment))
            if not segment:
                return
            self.bytes_up += len(segment) * is_upward

    def _transmission_s(self, size_bytes: int) -> float:
        """Until the segment has left for good; each loss costs a timeout, doubled every time."""
        line = self._line
        sending_s = size_bytes / line.rate_bytes_s if line.rate_bytes_s else 0.0
        taken_s, doublings = sending_s, 0
        while self._random.random() < line.loss:
            timeout_s = max(line.timeout_s, 2 * line.delay_s) * 2**doublings
            taken_s += timeout_s + sending_s
            doublings = min(doublings + 1, MOST_DOUBLINGS)
        return taken_s


async def _take_out(on_its_way: asyncio.Queue[tuple[float, bytes]], target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due_s, segment = await on_its_way.get()
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        if not segment:
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)
            return
        await loop.sock_sendall(target, segment)


def _listener() -> socket.socket:
    """Its connections take little beforehand, so that the sender sees what the line holds up."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.setblocking(False)
    return listener
