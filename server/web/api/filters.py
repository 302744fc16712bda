"""Which sightings an address asks for: of REST and of a page by the same words and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import lru_cache
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from fastapi import Query
from pydantic import TypeAdapter, ValidationError

from guarding.faults import fault_in_words
from server.errors import QuestionInvalid
from server.storage.reading.sightings import Matching, SightingFilter
from server.web.api.moments import moment

MOST_NAMES: Final = 100

Plate = Annotated[
    str,
    Query(
        description="The plate, with `*` for any characters and `?` for one. Case, spaces, dashes "
        "and dots do not count.",
        examples=["1กก*", "*1234", "AB?1234"],
    ),
]
Match = Annotated[
    Matching,
    Query(description="`likely` takes 0 O Q D, 1 I L, 8 B, 5 S and 2 Z for equal."),
]
From = Annotated[
    str | None,
    Query(
        alias="from",
        description="Captured then or later: a time, or a day. Without offset it is the centre's "
        "local time.",
        examples=["2026-08-06T10:30:00+07:00", "2026-08-06"],
    ),
]
To = Annotated[
    str | None,
    Query(
        alias="to",
        description="Captured before that time; of a day, to its end.",
        examples=["2026-08-07T00:00:00Z"],
    ),
]
Camera = Annotated[
    list[str] | None,
    Query(description="Device ids; one of several is enough.", max_length=MOST_NAMES),
]
Region = Annotated[
    list[str] | None,
    Query(description="Such as `th`, `eu`.", max_length=MOST_NAMES, examples=["th"]),
]
Direction = Annotated[
    list[str] | None,
    Query(description="approaching, receding, left or right.", max_length=MOST_NAMES),
]
Percent = Annotated[float | None, Query(ge=0, le=100, description="Confidence in percent.")]
YesNo = Annotated[bool | None, Query(description="`yes` or `no`.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address says; times are still its words."""

    chosen: SightingFilter
    since: str | None
    until: str | None

    def in_zone(self, zone: tzinfo) -> SightingFilter:
        """With times; those without offset are of `zone`. Raises QuestionInvalid."""
        return replace(
            self.chosen,
            since=moment("from", self.since, zone),
            until=moment("to", self.until, zone, ends=True),
        )


def wanted(
    plate: Plate = "",
    match: Match = Matching.LIKELY,
    since: From = None,
    until: To = None,
    camera: Camera = None,
    region: Region = None,
    direction: Direction = None,
    least: Percent = None,
    most: Percent = None,
    picture: YesNo = None,
    corrected: YesNo = None,
) -> Wanted:
    """A dependency of routes."""
    chosen = SightingFilter(
        plate=plate,
        matching=match,
        device_ids=tuple(name for name in camera or () if name),
        regions=_words(region),
        directions=_words(direction),
        least_percent=least,
        most_percent=most,
        has_picture=picture,
        is_corrected=corrected,
    )
    return Wanted(chosen=chosen, since=since, until=until)


def read(given: Mapping[str, str]) -> Wanted:
    """What an address of a page says, checked as that of a request is.

    Raises QuestionInvalid, naming the key.
    """
    values: dict[str, Any] = {}
    for key, text in given.items():
        name, rule, is_list = _rules()[key]
        values[name] = checked(key, [text] if is_list else text, rule)
    return wanted(**values)


def checked(key: str, value: object, rule: TypeAdapter[Any]) -> Any:
    """Raises QuestionInvalid."""
    try:
        return rule.validate_python(value)
    except ValidationError as error:
        raise QuestionInvalid(fault_in_words(error.errors()[0], (key,))) from None


@lru_cache(maxsize=1)
def _rules() -> Mapping[str, tuple[str, TypeAdapter[Any], bool]]:
    """Of each word of an address: the parameter of `wanted`, its rule, and whether it is a list."""
    found = {}
    for name, annotation in get_type_hints(wanted, include_extras=True).items():
        if name != "return":
            kind, query = get_args(annotation)
            is_list = any(get_origin(each) is list for each in get_args(kind))
            found[query.alias or name] = (name, TypeAdapter(annotation), is_list)
    return found


def _words(given: list[str] | None) -> tuple[str, ...]:
    """Given several times, or with commas."""
    parts = [part.strip() for each in given or () for part in each.split(",")]
    return tuple(part for part in parts if part)
