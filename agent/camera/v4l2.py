"""The controls of a video device, asked of the kernel and set there (V4L2). Kept thin.

Requests and structures are those of the kernel's `linux/videodev2.h`. The device may be open
elsewhere, and stream there: V4L2 lets several handles set its controls.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Mapping
from typing import Final, Protocol

from agent.camera.v4l2_controls import Control, Id

_QUERY: Final = struct.Struct("=II32siiiiI8x")
"""`v4l2_queryctrl`: id, type, name, minimum, maximum, step, default_value, flags."""
_ITEM: Final = struct.Struct("=II32s4x")
"""`v4l2_querymenu`: id, index, name."""
_VALUE: Final = struct.Struct("=Ii")
"""`v4l2_control`: id, value."""
_MENU: Final = 3
_DISABLED: Final = 0x0001
_READ_ONLY: Final = 0x0004
_LONGEST_MENU: Final = 64
_NONE_HERE: Final = frozenset({errno.EINVAL, errno.ENOTTY})
"""Errors that say: there is no such control, or none at all."""


def request_of(number: int, size_bytes: int) -> int:
    """`_IOWR('V', number, ...)` of `asm-generic/ioctl.h`, as on x86 and ARM."""
    return 3 << 30 | size_bytes << 16 | ord("V") << 8 | number


GET: Final = request_of(27, _VALUE.size)
SET: Final = request_of(28, _VALUE.size)
QUERY: Final = request_of(36, _QUERY.size)
QUERY_MENU: Final = request_of(37, _ITEM.size)


class Node(Protocol):
    """An open device."""

    def call(self, request: int, buffer: bytearray) -> None:
        """Does it, with the answer in `buffer`; raises OSError."""

    def close(self) -> None:
        """May be repeated."""


class DeviceNode:
    """A device file; see `Node`."""

    def __init__(self, path: str) -> None:
        self._handle: int | None = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def call(self, request: int, buffer: bytearray) -> None:
        if self._handle is None:
            raise OSError(errno.EBADF, "the device was closed")
        fcntl.ioctl(self._handle, request, buffer, True)

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


class Panel:
    """What an open device has to set. Every method raises OSError where the device is gone."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def controls(self) -> Mapping[Id, Control]:
        """Those of `Id` that this device has and lets be set."""
        asked = ((one, self._asked(one)) for one in Id)
        return {one: control for one, control in asked if control is not None}

    def value(self, control: Id) -> int:
        buffer = bytearray(_VALUE.pack(control, 0))
        self._node.call(GET, buffer)
        return int(_VALUE.unpack(buffer)[1])

    def set(self, control: Id, value: int) -> None:
        self._node.call(SET, bytearray(_VALUE.pack(control, value)))

    def close(self) -> None:
        self._node.close()

    def _asked(self, control: Id) -> Control | None:
        buffer = bytearray(_QUERY.pack(control, 0, b"", 0, 0, 0, 0, 0))
        if not self._knows(QUERY, buffer):
            return None
        _, kind, _, least, most, step, default, flags = _QUERY.unpack(buffer)
        if flags & (_DISABLED | _READ_ONLY) or least > most:
            return None
        items = self._items(control, least, most) if kind == _MENU else frozenset[int]()
        return Control(least=least, most=most, step=max(1, step), default=default, items=items)

    def _items(self, control: Id, least: int, most: int) -> frozenset[int]:
        """Menus may have gaps."""
        indices = range(max(0, least), min(most, least + _LONGEST_MENU) + 1)
        return frozenset(
            index
            for index in indices
            if self._knows(QUERY_MENU, bytearray(_ITEM.pack(control, index, b"")))
        )

    def _knows(self, request: int, buffer: bytearray) -> bool:
        try:
            self._node.call(request, buffer)
        except OSError as error:
            if error.errno in _NONE_HERE:
                return False
            raise
        return True


def open_panel(path: str) -> Panel:
    """Of the device at this path; raises OSError."""
    return Panel(DeviceNode(path))
