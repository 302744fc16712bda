"""Turns a decoder's complaint into an error that names field, expectation and value.

Only runs when something is wrong, so it may look at the message a second time.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from wire.errors import ErrorCode, RowInvalid, shown
from wire.rows import Table

_PLACE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_ABSENT: Final = object()


def explain(content: bytes, error: Exception) -> RowInvalid:
    """The error to answer with, for what `msgspec` raised while decoding `content`."""
    if isinstance(error, RecursionError):
        return RowInvalid(ErrorCode.INVALID_JSON, "JSON is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return RowInvalid(ErrorCode.INVALID_JSON, f"not UTF-8 at byte {error.start}")
    if not isinstance(error, msgspec.ValidationError):
        return RowInvalid(ErrorCode.INVALID_JSON, f"not valid JSON: {error}")
    found = _PLACE.match(str(error))
    what, path = (found["what"], found["path"] or "$") if found else (str(error), "$")
    field = path.removeprefix("$").lstrip(".")
    missing = re.search(r"missing required field `([^`]+)`", what)
    if missing:
        field = f"{field}.{missing[1]}".lstrip(".")
        return RowInvalid(
            ErrorCode.INVALID_FIELD, f"{field}: expected a value, got nothing", field=field
        )
    value = _value_at(content, path)
    code = ErrorCode.INVALID_FIELD
    if field.endswith("table"):
        code, what = ErrorCode.UNKNOWN_TABLE, f"Expected one of {', '.join(Table)}"
    elif field.endswith("action"):
        code, what = ErrorCode.UNKNOWN_ACTION, "Expected insert"
    got = "" if value is _ABSENT else f", got {shown(value)}"
    return RowInvalid(code, f"{field or 'message'}: {_expected(what)}{got}", field=field)


def _expected(what: str) -> str:
    """`Expected `float`, got `str`` becomes `expected float`."""
    said = re.sub(r",? got .*$", "", what, flags=re.DOTALL).replace("`", "")
    return said[:1].lower() + said[1:]


def _value_at(content: bytes, path: str) -> Any:
    try:
        value: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _ABSENT
    for name, index in _STEP.findall(path):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return value
