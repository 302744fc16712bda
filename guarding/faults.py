"""What is wrong with something sent: where, what was expected, what was seen. In our words, not in
the library's that looked at it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_LONGEST: Final = 80
_WORDS: Final = tuple(
    (re.compile(theirs), ours)
    for theirs, ours in (
        (r", (unable to|got a number) .*", ""),
        (r" after validation", ""),
        (r"^\w+ should (be |have |match )", "expected "),
        (r"less than or equal to", "at most"),
        (r"greater than or equal to", "at least"),
        (r"a valid dictionary( or (object to extract fields from|instance of \w+))?", "an object"),
        (r"a valid (tuple|list)", "a list"),
    )
)
"""Those of pydantic, and ours."""


def request_fault(found: Mapping[str, Any]) -> str:
    """Of FastAPI's RequestValidationError, whose places begin with the request's part."""
    return fault_in_words(found, found["loc"][1:] or found["loc"])


def fault_in_words(found: Mapping[str, Any], place: Sequence[object]) -> str:
    """`found` is one of pydantic's errors, `place` the way to what is wrong."""
    where = ".".join(str(part) for part in place)
    value = found.get("input")
    match found["type"]:
        case "json_invalid":
            return f"the body is no JSON: {found['ctx']['error']} at character {found['loc'][-1]}"
        case "extra_forbidden":
            return f"{where}: there is no such field"
        case "missing":
            return f"{where}: it is missing"
        case "value_error":
            text = str(found["msg"]).removeprefix("Value error, ")
        case _:
            text = str(found["msg"])
            for theirs, ours in _WORDS:
                text = theirs.sub(ours, text)
    seen = "" if isinstance(value, Mapping | list | tuple) else f", got {_shortened(value)}"
    return f"{where}: {text}{seen}"


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
