"""Which sightings, as the address of a page says it, and back: links can be shared. Pure.

Times in an address are those of a clock in the centre's time zone, as its form takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final
from urllib.parse import urlencode

from pydantic import TypeAdapter

from server.errors import QuestionInvalid
from server.storage.reading.sightings import Order, SightingFilter
from server.web.api import filters

_FILTERS: Final = (
    *("plate", "match", "from", "to", "camera", "region", "direction", "least", "most"),
    *("picture", "corrected"),
)
_ORDER: Final = "order"
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an address asks for: `given` are its words as they stand there."""

    chosen: SightingFilter
    order: Order
    given: Mapping[str, str]

    @property
    def is_filtered(self) -> bool:
        return any(key != _ORDER for key in self.given)

    def address(self, path: str = "/sightings", **more: str) -> str:
        """The page that shows the same, and more."""
        query = urlencode({**self.given, **{key: value for key, value in more.items() if value}})
        return f"{path}?{query}" if query else path


def asked_of(query: Mapping[str, str], zone: tzinfo) -> Asked:
    """Raises QuestionInvalid, naming the key."""
    keys = (*_FILTERS, _ORDER)
    given = {key: query[key].strip() for key in keys if query.get(key, "").strip()}
    for key, value in given.items():
        if len(value) > _LONGEST:
            raise QuestionInvalid(f"{key} is longer than {_LONGEST} characters")
    filtered = {key: value for key, value in given.items() if key != _ORDER}
    chosen = filters.read(filtered).in_zone(zone)
    order = Order.LIKELIEST if chosen.plate else Order.NEWEST
    if _ORDER in given:
        order = filters.checked(_ORDER, given[_ORDER], TypeAdapter(Order))
    return Asked(chosen=chosen, order=order, given=given)
