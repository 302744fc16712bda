"""Turns a decoder's complaint into an error that names field, expectation and value.

Only runs when something is wrong, so it may look at the message a second time.
"""

from __future__ import annotations

import re
from typing import Any, Final, get_args

import msgspec

from wire.errors import ErrorCode, RowInvalid, shown
from wire.rows import ClockState, Direction, SentImageStatus, Table

UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
"""All that `msgspec` raises on content that it cannot decode."""

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "table": tuple(Table),
    "action": ("insert",),
    "clock_state": get_args(ClockState),
    "direction": get_args(Direction),
    "image_status": get_args(SentImageStatus),
    "kind": ("picture", "row"),
}
_PLAINER: Final = {
    "Invalid RFC3339 encoded datetime": "an RFC 3339 time with offset",
    "Invalid base64 encoded string": "base64",
    "Number out of range": "a number that a double can hold",
    "Integer value out of range": "a whole number in range",
}
_CODES: Final = {"table": ErrorCode.UNKNOWN_TABLE, "action": ErrorCode.UNKNOWN_ACTION}
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_ABSENT: Final = object()


def explain(content: bytes | str, error: Exception, under: str = "") -> RowInvalid:
    """The error to answer with, for what `msgspec` raised while decoding `content`.

    `under` is where the content stands in the whole message (`data`).
    """
    if isinstance(error, RecursionError):
        return RowInvalid(ErrorCode.INVALID_JSON, "JSON is nested too deeply")
    if isinstance(error, UnicodeDecodeError | UnicodeEncodeError):
        return RowInvalid(ErrorCode.INVALID_JSON, f"not UTF-8 at byte {error.start}")
    if not isinstance(error, msgspec.ValidationError):
        said = str(error).removeprefix("JSON is malformed: ")
        return RowInvalid(ErrorCode.INVALID_JSON, f"not valid JSON: {said}")
    what, path = _what_and_path(str(error))
    field = ".".join(part for part in (under, path.removeprefix("$").lstrip(".")) if part)
    missing = re.search(r"missing required field `([^`]+)`", what)
    if missing:
        field = f"{field}.{missing[1]}".lstrip(".")
        return RowInvalid(
            ErrorCode.INVALID_FIELD, f"{field}: expected a value, got nothing", field=field
        )
    name = field.rpartition(".")[2]
    value = _value_at(content, path)
    got = "" if value is _ABSENT else f", got {shown(value)}"
    return RowInvalid(
        _CODES.get(name, ErrorCode.INVALID_FIELD),
        f"{field or 'message'}: expected {_expected(name, what)}{got}",
        field=field,
    )


def _what_and_path(complaint: str) -> tuple[str, str]:
    """Splits `Expected `str` - at `$.data.lux``; the path is the last thing said."""
    what, mark, path = complaint.rpartition(" - at `")
    return (what, path.rstrip("`")) if mark else (complaint, "$")


def _expected(name: str, what: str) -> str:
    """What should stand in the field `name`, from `Expected `float`, got `str``."""
    if name in _CHOICES:
        return f"one of {', '.join(_CHOICES[name])}" if len(_CHOICES[name]) > 1 else "insert"
    if not what.startswith("Expected "):
        return _PLAINER.get(what, "a value that this field takes")
    said = re.sub(r",? got .*$", "", what.removeprefix("Expected "), flags=re.DOTALL)
    return said.replace("`", "").replace("bytes", "base64").replace(" | ", " or ")


def _value_at(content: bytes | str, path: str) -> Any:
    try:
        value: Any = msgspec.json.decode(content)
    except UNREADABLE:
        return _ABSENT
    for name, index in _STEP.findall(path):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return value
