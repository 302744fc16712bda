"""Is it a picture, and how large? Read from the headers alone; no pixel is decoded.

JPEG: ITU-T T.81, annex B (markers and segments). PNG: W3C PNG specification, section 5.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

_START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE: Final = frozenset(range(0xD0, 0xD8)) | {0x01}
_PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"IEND\xaeB`\x82"
_SHORTEST: Final = 32


class PictureRefused(ValueError):
    """The bytes are no complete JPEG or PNG within the limits; the text says what is wrong."""


class PictureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers say: `media_type` as in MIME, size in pixels."""

    media_type: str
    width: int
    height: int


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
    size: tuple[int, int] | None = None
    position = 2
    while True:
        marker, position = _next_marker(content, position)
        if marker in _STANDALONE:
            continue
        if marker == 0xD9 or position + 2 > len(content):
            raise PictureRefused("JPEG ends before its picture data")
        length = int.from_bytes(content[position : position + 2], "big")
        if length < 2 or position + length > len(content):
            raise PictureRefused(f"JPEG segment {marker:#04x} runs over the end: cut off?")
        if marker in _START_OF_FRAME:
            if length < 8:
                raise PictureRefused("JPEG frame header is too short")
            height, width = struct.unpack_from(">HH", content, position + 3)
            size = (width, height)
        position += length
        if marker == 0xDA:
            break
    if size is None or 0 in size:
        raise PictureRefused("JPEG without dimensions")
    if content.rfind(b"\xff\xd9") < position:
        raise PictureRefused("JPEG without its end marker: cut off?")
    return PictureFacts(media_type="image/jpeg", width=size[0], height=size[1])


def _next_marker(content: bytes, position: int) -> tuple[int, int]:
    """The marker at `position` (fill bytes allowed) and the place behind it."""
    if position >= len(content) or content[position] != 0xFF:
        raise PictureRefused(f"JPEG is damaged at byte {position}: no marker")
    while position < len(content) and content[position] == 0xFF:
        position += 1
    if position >= len(content) or content[position] == 0:
        raise PictureRefused(f"JPEG is damaged at byte {position}: no marker")
    return content[position], position + 1


def _inspect_png(content: bytes) -> PictureFacts:
    if len(content) < _SHORTEST or content[12:16] != b"IHDR":
        raise PictureRefused("PNG without its header")
    width, height = struct.unpack_from(">II", content, 16)
    if 0 in (width, height):
        raise PictureRefused("PNG without dimensions")
    if _PNG_END not in content[-64:]:
        raise PictureRefused("PNG without its end chunk: cut off?")
    return PictureFacts(media_type="image/png", width=width, height=height)
