"""Values that no database takes, told before one is asked: SQLite and PostgreSQL refuse them alike.

PostgreSQL's texts have no NUL, the integers of both 64 bits, and neither has half of a character.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from server.errors import QuestionInvalid

_LARGEST: Final = 2**63 - 1
_SHOWN: Final = 40


def check(values: Mapping[str, Any] | Iterable[Any]) -> None:
    """Of one statement. Raises QuestionInvalid."""
    for value in values.values() if isinstance(values, Mapping) else values:
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, int):
            if not -_LARGEST <= value <= _LARGEST:
                raise QuestionInvalid(f"{value}: expected a whole number of at most {_LARGEST}")
        elif isinstance(value, list):  # many values in one, of PostgreSQL
            check(value)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise QuestionInvalid(f"{text[:_SHOWN]!r} has a NUL character in it: leave that out")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise QuestionInvalid(
                f"{text[:_SHOWN]!r} has half of a character in it (a lone surrogate): leave that "
                "out"
            ) from error
