"""Everything that can be wrong with what a peer sent, and the codes that name it on the wire."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """Why a row or frame was not stored. New codes may join: treat an unknown one as final."""

    INVALID_JSON = "invalid_json"
    INVALID_FIELD = "invalid_field"
    UNKNOWN_TABLE = "unknown_table"
    UNKNOWN_ACTION = "unknown_action"
    TOO_LARGE = "too_large"
    ID_CONFLICT = "id_conflict"
    NOT_ALLOWED = "not_allowed"
    HELLO_EXPECTED = "hello_expected"
    BUSY = "busy"
    STORAGE_FAILED = "storage_failed"
    SHUTTING_DOWN = "shutting_down"


RETRYABLE: Final = frozenset({ErrorCode.BUSY, ErrorCode.STORAGE_FAILED, ErrorCode.SHUTTING_DOWN})
"""Codes after which the same row may succeed later, unchanged."""


class WireError(Exception):
    """Base of all errors of this package."""


class RowInvalid(WireError):
    """What a peer sent breaks the contract; the connection may live on.

    `field` is the path in the message (`data.confidence`), empty where the whole is meant.
    """

    def __init__(self, code: ErrorCode, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field

    @classmethod
    def of_field(cls, field: str, expected: str, value: object) -> RowInvalid:
        """An error that says where, what was expected and (shortened) what stood there."""
        return cls(
            ErrorCode.INVALID_FIELD,
            f"{field}: expected {expected}, got {shown(value)}",
            field=field,
        )


class FrameInvalid(WireError):
    """A whole frame cannot be used; `frame` is its number where that could be read."""

    def __init__(self, code: ErrorCode, message: str, *, frame: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.frame = frame


class SessionMisused(WireError):
    """Our own code called a session in a state that does not allow it."""


class PeerMisbehaved(WireError):
    """The peer broke the session's rules beyond repair: close the connection."""


_SHOWN_CHARACTERS: Final = 60


def shown(value: object) -> str:
    """`value` for an error message: short, on one line, never a whole picture."""
    try:
        text = "nothing" if value is None else repr(value)
    except (RecursionError, ValueError):  # nested too deeply; an integer too long to print
        text = f"{type(value).__name__} that cannot be shown"
    if len(text) > _SHOWN_CHARACTERS:
        text = f"{text[:_SHOWN_CHARACTERS]}... ({len(text)} characters)"
    return text
