"""Settings that are lists: comma-separated, in lower case, without empty parts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic.functional_validators import BeforeValidator


def comma_list(value: Any) -> Any:
    """The parts of a text; what is none is left as it is."""
    if isinstance(value, str):
        return tuple(part.strip().lower() for part in value.split(",") if part.strip())
    return value


CommaList = Annotated[tuple[str, ...], BeforeValidator(comma_list)]
