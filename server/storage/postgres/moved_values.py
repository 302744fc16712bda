"""Values on their way from SQLite, whose columns hold anything, to columns of one type. Pure."""

from __future__ import annotations

import hashlib
import math
from enum import Enum
from typing import Any, Final

import msgspec


class Kind(Enum):
    """What a column of the target takes."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    BYTES = "bytes"
    MESSAGE_ID = "message id"
    CLAIM = "claim"


_KINDS: Final = {
    "text": Kind.TEXT,
    "bigint": Kind.WHOLE,
    "integer": Kind.WHOLE,
    "smallint": Kind.WHOLE,
    "double precision": Kind.NUMBER,
    "bytea": Kind.BYTES,
    "uuid": Kind.MESSAGE_ID,
    "boolean": Kind.CLAIM,
}


def kind_of(type_name: str) -> Kind:
    """By PostgreSQL's name of the type."""
    return _KINDS[type_name]


def value_of(kind: Kind, value: Any) -> Any:
    """As the target keeps it. A number where a text belongs is written out, as older programs left
    them; what is no number where one belongs is none."""
    if value is None:
        return None
    match kind:
        case Kind.TEXT:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            return text.replace("\0", "")
        case Kind.BYTES:
            return value if isinstance(value, bytes) else str(value).encode()
        case Kind.MESSAGE_ID:
            return _message_id(value)
        case _:
            number = _number(value)
            if kind is Kind.NUMBER or number is None:
                return number
            return bool(number) if kind is Kind.CLAIM else int(number)


class Checksum:
    """Of rows in their order; equal for equal rows on both sides."""

    def __init__(self) -> None:
        self.rows = 0
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, row: tuple[Any, ...]) -> None:
        self.rows += 1
        self._digest.update(msgspec.json.encode(row))

    @property
    def text(self) -> str:
        return self._digest.hexdigest()


def _message_id(value: Any) -> str:
    """The ledger has its 16 bytes, rows have it as text."""
    if not isinstance(value, bytes):
        return str(value)
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _number(value: Any) -> float | int | None:
    try:
        number = value if isinstance(value, int | float) else float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
