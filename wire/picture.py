"""Is it a picture, and how large? Read from the headers alone; no pixel is decoded.

JPEG: ITU-T T.81, annex B (markers and segments). PNG: W3C PNG specification, section 5.
"""

from __future__ import annotations

import re
import struct
from typing import Final

import msgspec

_START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL: Final = frozenset({0xC0, 0xC1, 0xC9})
_STANDALONE: Final = frozenset(range(0xD0, 0xD8)) | {0x01}
_HIERARCHICAL: Final = frozenset({0xDE, 0xDF})
_FIRST_USED: Final = 0xC0  # those from 0x02 are reserved
_QUANTISATION: Final = 0xDB
_FRAME_HEADER_BYTES: Final = 8  # and 3 for each component
_SAMPLE_BITS: Final = 8
_COMPONENTS: Final = frozenset({1, 3, 4})
_END_OF_IMAGE: Final = 0xD9
_START_OF_SCAN: Final = 0xDA
_MARKER: Final = re.compile(rb"\xff+[^\x00\xff]", re.DOTALL)
_MARKER_IN_DATA: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_MOST_SEGMENTS: Final = 20_000  # bounds the work on a hostile file; real ones have below 200
_PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"IEND\xaeB`\x82"
_SHORTEST: Final = 32
_MARKER_AND_LENGTH: Final = struct.Struct(">HH")
_UNREAD: Final = frozenset({0xFFC4, 0xFFDD, 0xFFFE, *range(0xFFE0, 0xFFF0)})
"""Huffman tables, restart interval, comment, application data (T.81, table B.1)."""
_FEW_SEGMENTS: Final = 64


class PictureRefused(ValueError):
    """The bytes are no complete JPEG or PNG within the limits; the text says what is wrong."""


class PictureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers say: `media_type` as in MIME, size in pixels."""

    media_type: str
    width: int
    height: int


class _FrameHeader(msgspec.Struct, frozen=True, kw_only=True):
    width: int
    height: int
    components: int
    sequential: bool


def inspect_picture(content: bytes, *, max_bytes: int, max_pixels: int) -> PictureFacts:
    """Facts of a JPEG or PNG; raises PictureRefused with the reason."""
    if len(content) > max_bytes:
        raise PictureRefused(f"{len(content)} bytes, at most {max_bytes} are taken")
    if content[:2] == b"\xff\xd8":
        facts = _inspect_jpeg(content)
    elif content[:8] == _PNG_MAGIC:
        facts = _inspect_png(content)
    else:
        raise PictureRefused(
            f"neither JPEG nor PNG: starts with {content[:4].hex(' ') or 'nothing'}"
        )
    if facts.width * facts.height > max_pixels:
        raise PictureRefused(
            f"{facts.width}x{facts.height} pixels, at most {max_pixels} in all are taken"
        )
    return facts


def _inspect_jpeg(content: bytes) -> PictureFacts:
    frame: _FrameHeader | None = None
    position = 2
    for _ in range(_MOST_SEGMENTS):
        position = _behind_unread(content, position)
        marker, position = _next_marker(content, position)
        if marker in _STANDALONE:
            continue
        _check_marker(marker)
        start, position = position, _behind_segment(content, marker, position)
        if marker == _QUANTISATION:
            _check_quantisation(content[start + 2 : position])
        if marker in _START_OF_FRAME:
            if frame is not None:
                raise PictureRefused("JPEG with two frame headers")
            frame = _frame_header(content, marker, start)
        if marker == _START_OF_SCAN:
            break
    else:
        raise PictureRefused(f"JPEG with more than {_MOST_SEGMENTS} segments")
    if frame is None or 0 in (frame.width, frame.height):
        raise PictureRefused("JPEG without dimensions")
    _find_jpeg_end(content, start, position, frame)
    return PictureFacts(media_type="image/jpeg", width=frame.width, height=frame.height)


def _check_marker(marker: int) -> None:
    """Raises for what cannot stand before the picture data."""
    if marker == _END_OF_IMAGE:
        raise PictureRefused("JPEG ends before its picture data")
    if marker < _FIRST_USED:
        raise PictureRefused(f"JPEG with the reserved marker {marker:#04x}")
    if marker in _HIERARCHICAL:
        raise PictureRefused(f"JPEG is hierarchical, marker {marker:#04x}: no reader takes it")


def _behind_unread(content: bytes, position: int) -> int:
    """The place behind the segments at `position` of which only the length matters.

    Most of a picture's segments are such, each with its marker right behind the one before. What
    is odd about one (or too many of them) stays for the caller to see.
    """
    last = len(content) - _SHORTEST
    for _ in range(_FEW_SEGMENTS):
        if position > last:
            break
        marker, length = _MARKER_AND_LENGTH.unpack_from(content, position)
        if marker not in _UNREAD or length < 2 or position + length > last:
            break
        position += 2 + length
    return position


def _behind_segment(content: bytes, marker: int, position: int) -> int:
    """The place behind the segment whose length stands at `position`."""
    length = int.from_bytes(content[position : position + 2], "big")
    if position + 2 > len(content) or length < 2 or position + length > len(content):
        raise PictureRefused(f"JPEG segment {marker:#04x} runs over the end: cut off?")
    return position + length


def _frame_header(content: bytes, marker: int, start: int) -> _FrameHeader:
    length = int.from_bytes(content[start : start + 2], "big")
    if length < _FRAME_HEADER_BYTES:
        raise PictureRefused("JPEG frame header is too short")
    precision, height, width, components = struct.unpack_from(">BHHB", content, start + 2)
    if (
        precision != _SAMPLE_BITS
        or components not in _COMPONENTS
        or length != _FRAME_HEADER_BYTES + 3 * components
    ):
        raise PictureRefused(
            f"JPEG frame header of {length} bytes with {components} components of {precision} bits"
        )
    return _FrameHeader(
        width=width, height=height, components=components, sequential=marker in _SEQUENTIAL
    )


def _check_quantisation(tables: bytes) -> None:
    """B.2.4.1: each table has a byte for element size and number, then 64 elements."""
    position = 0
    while position < len(tables):
        kind = tables[position]
        if kind >> 4 > 1 or kind & 0xF > 3:
            raise PictureRefused(f"JPEG with a quantisation table of kind {kind:#04x}")
        position += 1 + 64 * (1 + (kind >> 4))
    if position != len(tables):
        raise PictureRefused("JPEG quantisation table is cut off")


def _find_jpeg_end(content: bytes, scan: int, position: int, frame: _FrameHeader) -> None:
    """Raises unless an end marker follows the picture data, which begins at `position`.

    `scan` is where the length of the first scan's header stands.
    """
    if frame.sequential and content.startswith(bytes((frame.components,)), scan + 2):
        # One scan holds everything: in its data 0xFF is only ever followed by 0 or a restart.
        # Sought from the back, where it stands: find() would take ten times as long.
        if content.rfind(b"\xff\xd9", position) < 0:
            raise PictureRefused("JPEG without its end marker: cut off?")
        return
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER_IN_DATA.search(content, position)
        if found is None:
            raise PictureRefused("JPEG without its end marker: cut off?")
        marker = content[found.end() - 1]
        if marker == _END_OF_IMAGE:
            return
        position = _behind_segment(content, marker, found.end())
    raise PictureRefused(f"JPEG with more than {_MOST_SEGMENTS} segments")


def _next_marker(content: bytes, position: int) -> tuple[int, int]:
    """The marker at `position` (fill bytes allowed) and the place behind it."""
    found = _MARKER.match(content, position)
    if found is None:
        raise PictureRefused(f"JPEG is damaged at byte {position}: no marker")
    return content[found.end() - 1], found.end()


def _inspect_png(content: bytes) -> PictureFacts:
    if len(content) < _SHORTEST or content[12:16] != b"IHDR":
        raise PictureRefused("PNG without its header")
    width, height = struct.unpack_from(">II", content, 16)
    if 0 in (width, height):
        raise PictureRefused("PNG without dimensions")
    position = len(_PNG_MAGIC)
    for _ in range(_MOST_SEGMENTS):
        length = int.from_bytes(content[position : position + 4], "big")
        following = position + 12 + length  # length, type, data, check sum
        if following > len(content):
            break
        if content[position + 4 : following] == _PNG_END:
            return PictureFacts(media_type="image/png", width=width, height=height)
        position = following
    raise PictureRefused("PNG without its end chunk: cut off?")
