"""What an address below /api/v1 may ask: a misspelt name is refused, or it would ask for all."""

from __future__ import annotations

from typing import Final

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute

from server.errors import QuestionInvalid
from server.web.security.demands import current_caller

_PLACE: Final = "/api/v1/"
_LONGEST: Final = 40


async def only_known(connection: HTTPConnection) -> None:
    """A dependency of every route; `async`, or each request would wait for a thread. Raises
    QuestionInvalid, to those who may ask anything at all."""
    if not connection.query_params:
        return
    route = connection.scope.get("route")
    if not connection.url.path.startswith(_PLACE) or not isinstance(route, APIRoute):
        return
    if not current_caller(connection).permissions:
        return  # the route's demand sends them to sign in
    known = names_of(route)
    unknown = [name for name in connection.query_params if name not in known]
    if unknown:
        there_are = f"there are {', '.join(known)}" if known else "this address takes none"
        raise QuestionInvalid(f"{unknown[0][:_LONGEST]!r} is no parameter here: {there_are}")


def names_of(route: APIRoute) -> tuple[str, ...]:
    """Of its query parameters, also those of its dependencies, as they stand in an address."""
    fields = get_flat_params(route.dependant)
    return tuple(each.alias for each in fields if isinstance(each.field_info, Query))
