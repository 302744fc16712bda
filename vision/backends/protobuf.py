"""The protocol-buffer encoding that ONNX files use, read and written field by field.

By protobuf.dev/programming-guides/encoding; knows no schema.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = tuple[int, int, int | memoryview]
"""Field number, wire type and value: a number for VARINT, otherwise its bytes."""


def fields(message: memoryview) -> Iterator[Field]:
    """Field number, wire type and value of each field of one message, in order."""
    position = 0
    while position < len(message):
        key, position = read_varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = read_varint(message, position)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, position = read_varint(message, position)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind} at byte {position}")
        if position + size > len(message):
            raise ValueError(f"field {number} ends beyond its message")
        yield number, kind, message[position : position + size]
        position += size


def read_varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def put(out: bytearray, number: int, kind: int, value: int | memoryview) -> None:
    put_varint(out, number << 3 | kind)
    if isinstance(value, int):
        put_varint(out, value)
        return
    if kind == BYTES:
        put_varint(out, len(value))
    out += value


def put_varint(out: bytearray, value: int) -> None:
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
