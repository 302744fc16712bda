"""A video device's controls as the kernel shows them, byte for byte, with a USB camera's rules.

A value out of range, between two steps or of a control that the camera chooses by itself at the
moment is refused, as uvcvideo does.
"""

from __future__ import annotations

import errno
import os
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from agent.camera.v4l2_controls import Id

GET, SET, QUERY, QUERY_MENU = 0xC008561B, 0xC008561C, 0xC0445624, 0xC02C5625
"""VIDIOC_G_CTRL, VIDIOC_S_CTRL, VIDIOC_QUERYCTRL, VIDIOC_QUERYMENU on x86 and ARM."""
INTEGER, BOOLEAN, MENU = 1, 2, 3
READ_ONLY, DISABLED = 0x0004, 0x0001


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeControl:
    """One control; `names` are those of a menu's items."""

    least: int
    most: int
    default: int
    kind: int = INTEGER
    step: int = 1
    names: Mapping[int, bytes] | None = None
    flags: int = 0


USB_CAMERA: Mapping[int, FakeControl] = {
    Id.BRIGHTNESS: FakeControl(least=-64, most=64, default=0),
    Id.CONTRAST: FakeControl(least=0, most=95, default=32),
    Id.SATURATION: FakeControl(least=0, most=100, default=60),
    Id.SHARPNESS: FakeControl(least=1, most=7, default=2),
    Id.AUTO_WHITE_BALANCE: FakeControl(least=0, most=1, default=1, kind=BOOLEAN),
    Id.WHITE_BALANCE_TEMPERATURE: FakeControl(least=2800, most=6500, default=4600, step=10),
    Id.GAIN: FakeControl(least=0, most=255, default=64),
    Id.EXPOSURE_AUTO: FakeControl(
        least=0,
        most=3,
        default=3,
        kind=MENU,
        names={1: b"Manual Mode", 3: b"Aperture Priority Mode"},
    ),
    Id.EXPOSURE_ABSOLUTE: FakeControl(least=3, most=2047, default=250),
    Id.FOCUS_AUTO: FakeControl(least=0, most=1, default=1, kind=BOOLEAN),
    Id.FOCUS_ABSOLUTE: FakeControl(least=0, most=250, default=0, step=5),
}
CHOSEN_BY_ITSELF: Mapping[int, tuple[int, frozenset[int]]] = {
    Id.WHITE_BALANCE_TEMPERATURE: (Id.AUTO_WHITE_BALANCE, frozenset({1})),
    Id.EXPOSURE_ABSOLUTE: (Id.EXPOSURE_AUTO, frozenset({0, 3})),
    Id.FOCUS_ABSOLUTE: (Id.FOCUS_AUTO, frozenset({1})),
}


def _failure(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class FakeVideoNode:
    """`controls` are those that it has; `busy` are held by another program."""

    def __init__(
        self,
        controls: Mapping[int, FakeControl] = USB_CAMERA,
        *,
        busy: frozenset[int] = frozenset(),
    ) -> None:
        self._controls = controls
        self._busy = busy
        self._changed = threading.Condition()
        self._values = {one: control.default for one, control in controls.items()}
        self._is_open = True
        self.is_unplugged = False

    def value(self, control: int) -> int:
        """What it is set to now."""
        return self._values[control]

    def awaited(self, control: int, value: int) -> bool:
        """Whether it is set so within five seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._values[control] == value, 5)

    @property
    def is_open(self) -> bool:
        return self._is_open

    def close(self) -> None:
        self._is_open = False

    def call(self, request: int, buffer: bytearray) -> None:
        if not self._is_open:
            raise _failure(errno.EBADF)
        if self.is_unplugged:
            raise _failure(errno.ENODEV)
        if not self._controls:
            raise _failure(errno.ENOTTY)
        if len(buffer) != request >> 16 & 0x3FFF:
            raise _failure(errno.EFAULT)
        (asked,) = struct.unpack_from("=I", buffer)
        if asked not in self._controls:
            raise _failure(errno.EINVAL)
        calls = {GET: self._get, SET: self._set, QUERY: self._query, QUERY_MENU: self._menu}
        calls[request](asked, self._controls[asked], buffer)

    def _query(self, asked: int, control: FakeControl, buffer: bytearray) -> None:
        said = (control.kind, b"", control.least, control.most, control.step, control.default)
        buffer[:] = struct.pack("=II32siiiiI8x", asked, *said, control.flags)

    def _menu(self, asked: int, control: FakeControl, buffer: bytearray) -> None:
        (index,) = struct.unpack_from("=I", buffer, 4)
        names = control.names or {}
        if index not in names:
            raise _failure(errno.EINVAL)
        buffer[:] = struct.pack("=II32s4x", asked, index, names[index])

    def _get(self, asked: int, control: FakeControl, buffer: bytearray) -> None:
        buffer[:] = struct.pack("=Ii", asked, self._values[asked])

    def _set(self, asked: int, control: FakeControl, buffer: bytearray) -> None:
        (value,) = struct.unpack_from("=i", buffer, 4)
        if control.flags & READ_ONLY:
            raise _failure(errno.EACCES)
        if asked in self._busy:
            raise _failure(errno.EBUSY)
        switch, values = CHOSEN_BY_ITSELF.get(asked, (None, frozenset()))
        if switch in self._values and self._values[switch] in values:
            raise _failure(errno.EACCES)
        if not control.least <= value <= control.most or (value - control.least) % control.step:
            raise _failure(errno.ERANGE)
        if control.names is not None and value not in control.names:
            raise _failure(errno.EINVAL)
        with self._changed:
            self._values[asked] = value
            self._changed.notify_all()
