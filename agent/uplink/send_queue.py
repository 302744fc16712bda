"""What is on its way to the peer, as the operating system counts it."""

from __future__ import annotations

import fcntl
import struct
import termios

from websockets.asyncio.client import ClientConnection


def queued_bytes(connection: ClientConnection) -> int:
    """Bytes written that the peer's kernel has not confirmed (SIOCOUTQ, tcp(7)), where known."""
    waiting = connection.transport.get_write_buffer_size()
    sock = connection.transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return waiting
    answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4)
    return waiting + int(struct.unpack("i", answer)[0])
