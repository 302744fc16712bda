"""Rules that types alone cannot state: text that can be stored, times, pictures, JSON values."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import msgspec
from msgspec import Raw, UnsetType

from wire.base64_text import decode_strictly
from wire.diagnosis import UNREADABLE
from wire.errors import RowInvalid
from wire.limits import JSON_BYTES, JSON_LEVELS, Limits
from wire.picture import PictureRefused, inspect_picture

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_plain: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
_encoder: Final = msgspec.json.Encoder()
_ESCAPED_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class CheckedPicture(msgspec.Struct, frozen=True, gc=False):
    """A picture that may be stored; `sha256` is of `content`, 64 hex digits."""

    content: bytes
    sha256: str


def check_text(field: str, text: str) -> str:
    """`text` in NFC; refuses NUL (no SQL store keeps it) and lone surrogates."""
    if text.isascii():
        if "\0" in text:
            raise RowInvalid.of_field(field, "text without NUL characters", text)
        return text
    if "\0" in text:
        raise RowInvalid.of_field(field, "text without NUL characters", text)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise RowInvalid.of_field(field, "valid Unicode text", text)
    return unicodedata.normalize("NFC", text)


def parse_time(field: str, text: str, zone: tzinfo) -> datetime:
    """An ISO 8601 time as UTC; one without offset is local time of `zone`."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise RowInvalid.of_field(
            field, "an ISO 8601 time such as 2024-08-06T10:30:00+07:00", text
        ) from None
    return check_time(field, moment if moment.tzinfo else moment.replace(tzinfo=zone))


def check_time(field: str, moment: datetime) -> datetime:
    """An aware time as UTC; refuses those outside the years 1970 to 2199."""
    try:
        utc = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise RowInvalid.of_field(field, "a time between 1970 and 2200", str(moment)) from None
    if not EARLIEST <= utc < LATEST:
        raise RowInvalid.of_field(field, "a time between 1970 and 2200", str(moment))
    return utc


def check_json(field: str, raw: Raw | UnsetType, kinds: tuple[type, ...]) -> str | None:
    """JSON text of a plain value of one of `kinds`, or None where it is absent or null.

    `raw` comes from a decoder, which has looked at its form.
    """
    if isinstance(raw, UnsetType):
        return None
    content = bytes(raw)
    if len(content) > JSON_BYTES:
        raise RowInvalid.of_field(
            field, f"at most {JSON_BYTES} bytes of JSON", f"{len(content)} bytes"
        )
    outline = content.translate(_AS_OUTLINE, _NOT_OF_OUTLINE)
    text = _plain_text(content, outline)
    if text is None or _KIND_OF.get(text[:1]) not in kinds:
        text = _checked_text(field, content, kinds)
    if outline.count(b"[") > JSON_LEVELS and _levels(content, outline) > JSON_LEVELS:
        raise RowInvalid.of_field(
            field, f"JSON of at most {JSON_LEVELS} levels", _Reason("deeper nesting")
        )
    return text


def _plain_text(content: bytes, outline: bytes) -> str | None:
    """JSON as it came, where it can have no fault that a decoder's look at its form lets pass.

    That look was had when the row was read. It misses broken UTF-8, and numbers that no double
    holds. What may have those, or an escaped character, is left to be decoded: None.
    """
    if b"\\" in content or _EXPONENT_OF_3 in outline or _INTEGER_OF_200 in outline:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _checked_text(field: str, content: bytes, kinds: tuple[type, ...]) -> str | None:
    """The same JSON written anew; raises RowInvalid."""
    try:
        value = _plain.decode(content)
        text = _encoder.encode(value).decode()
    except UNREADABLE:
        raise RowInvalid.of_field(field, "valid JSON", content[:60]) from None
    if value is None:
        return None
    if not isinstance(value, kinds):
        names = " or ".join(_JSON_NAMES[kind] for kind in kinds)
        raise RowInvalid.of_field(field, f"a JSON {names}", value)
    if "\\u0000" in text and _ESCAPED_NUL.search(text):
        raise RowInvalid.of_field(field, "text without NUL characters", text)
    return text


def _levels(content: bytes, outline: bytes) -> int:
    """How deep valid JSON is nested, counted to one more than is allowed.

    Works on the bytes: walking the value's objects would take ten times as long.
    """
    brackets = outline.translate(None, b"0e").replace(b'""', b"")
    if b"\\" in content or b'"' in brackets:  # strings with brackets or quotes in them
        unescaped = content.replace(b"\\\\", b"").replace(b'\\"', b"")
        outside_strings = b"".join(unescaped.split(b'"')[::2])
        brackets = outside_strings.translate(_AS_OUTLINE, _NO_BRACKET)
    levels = 0
    while brackets and levels <= JSON_LEVELS:
        brackets = brackets.replace(b"[]", b"")  # the innermost of every branch
        levels += 1
    return levels


_AS_OUTLINE: Final = bytes.maketrans(b"{}0123456789E", b"[]0000000000e")
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
_NOT_OF_OUTLINE: Final = bytes(set(_NO_BRACKET) - set(b'"0123456789eE'))
"""What is left are brackets, quotes, digits and e, as many as there were: `"at":[1,-5E+3]` becomes
`""[00e0]`."""
_EXPONENT_OF_3: Final = b"0e000"
_INTEGER_OF_200: Final = b"0" * 200
_JSON_NAMES: Final[dict[type, str]] = {dict: "object", str: "string", list: "array"}
_KIND_OF: Final[dict[str, type]] = {"{": dict, '"': str, "[": list}


def check_picture(field: str, content: bytes, limits: Limits) -> CheckedPicture:
    """A complete JPEG or PNG within the limits; raises RowInvalid naming what is wrong."""
    try:
        inspect_picture(content, max_bytes=limits.picture_bytes, max_pixels=limits.picture_pixels)
    except PictureRefused as error:
        raise RowInvalid.of_field(
            field, "a complete JPEG or PNG as base64", _Reason(str(error))
        ) from None
    return CheckedPicture(content, hashlib.sha256(content).hexdigest())


def decode_base64(field: str, text: str) -> bytes:
    """Strict base64; a `data:...;base64,` prefix and line breaks of older encoders are allowed."""
    body = text
    if text.startswith("data:"):
        head, comma, body = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise RowInvalid.of_field(
                field, "base64 (bare, or behind data:image/jpeg;base64,)", text
            )
    if any(space in body for space in "\r\n "):
        body = "".join(body.split())
    try:
        return decode_strictly(body)
    except ValueError:
        raise RowInvalid.of_field(
            field, "base64 (bare, or behind data:image/jpeg;base64,)", text
        ) from None


class _Reason(str):
    """A reason that stands in an error message without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
