"""Which sightings, as the address of a page says it, and back: links can be shared. Pure.

Times in an address are those of a clock in the centre's time zone, as its form takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlencode

from server.errors import QuestionInvalid
from server.storage.reading.sightings import Matching, Order, SightingFilter
from server.web.api.filters import moment

KEYS: Final = (
    *("plate", "match", "from", "to", "camera", "region", "direction", "least", "most"),
    *("picture", "corrected", "order"),
)
_LONGEST: Final = 200
_Choice = TypeVar("_Choice", bound=StrEnum)
_YES_NO: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an address asks for: `given` are its words as they stand there."""

    chosen: SightingFilter
    order: Order
    given: Mapping[str, str]

    @property
    def is_filtered(self) -> bool:
        return any(key != "order" for key in self.given)

    def address(self, path: str = "/sightings", **more: str) -> str:
        """The page that shows the same, and more."""
        query = urlencode({**self.given, **{key: value for key, value in more.items() if value}})
        return f"{path}?{query}" if query else path


def asked_of(query: Mapping[str, str], zone: tzinfo) -> Asked:
    """Raises QuestionInvalid, naming the key."""
    given = {key: query[key].strip() for key in KEYS if query.get(key, "").strip()}
    for key, value in given.items():
        if len(value) > _LONGEST:
            raise QuestionInvalid(f"{key} is longer than {_LONGEST} characters")
    chosen = SightingFilter(
        plate=given.get("plate", ""),
        matching=_one_of(given, "match", Matching, Matching.LIKELY),
        since=moment("from", given.get("from"), zone),
        until=moment("to", given.get("to"), zone, ends=True),
        device_ids=(given["camera"],) if "camera" in given else (),  # a name may hold commas
        regions=_list(given, "region"),
        directions=_list(given, "direction"),
        least_percent=_percent(given, "least"),
        most_percent=_percent(given, "most"),
        has_picture=_yes_no(given, "picture"),
        is_corrected=_yes_no(given, "corrected"),
    )
    default = Order.LIKELIEST if chosen.plate else Order.NEWEST
    return Asked(chosen=chosen, order=_one_of(given, "order", Order, default), given=given)


def _one_of(given: Mapping[str, str], key: str, kind: type[_Choice], default: _Choice) -> _Choice:
    value = given.get(key)
    try:
        return default if value is None else kind(value)
    except ValueError:
        words = ", ".join(kind)
        raise QuestionInvalid(f"{key}={value}: expected one of {words}") from None


def _list(given: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in given.get(key, "").split(",") if part.strip())


def _percent(given: Mapping[str, str], key: str) -> float | None:
    value = given.get(key)
    try:
        found = None if value is None else float(value)
    except ValueError:
        found = -1.0
    if found is not None and not 0 <= found <= 100:
        raise QuestionInvalid(f"{key}={value}: expected percent from 0 to 100")
    return found


def _yes_no(given: Mapping[str, str], key: str) -> bool | None:
    value = given.get(key)
    if value is not None and value not in _YES_NO:
        raise QuestionInvalid(f"{key}={value}: expected yes or no")
    return None if value is None else _YES_NO[value]
