"""What a route asks of its caller: `requires(...)` on every route, or `open_to_all(...)`.

The gate in front has found out who calls; here it is decided whether they may.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute

from server.accounts.contract import Caller, CallerKind
from server.accounts.permissions import Permission
from server.web.security.refusals import Forbidden, SignInNeeded


def current_caller(connection: HTTPConnection) -> Caller:
    """Who makes this request; for pages too: `current_caller(ui.context.client.request)`."""
    caller = connection.scope["state"]["caller"]
    assert isinstance(caller, Caller)  # noqa: S101 - the gate put it there
    return caller


async def _current_caller(connection: HTTPConnection) -> Caller:
    """As a dependency; what is not `async` is called on a thread."""
    return current_caller(connection)


CurrentCaller = Annotated[Caller, Depends(_current_caller)]
"""A route's parameter of this type is who calls it."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Lets a request pass where its caller has the permission; None: whoever calls.

    Raises SignInNeeded or Forbidden, which the gate answers.
    """

    permission: Permission | None
    reason: str = ""

    async def __call__(self, connection: HTTPConnection) -> None:
        if self.permission is None:
            return
        caller = current_caller(connection)
        if caller.may(self.permission):
            return
        if caller.kind is CallerKind.NOBODY:
            raise SignInNeeded(connection)
        raise Forbidden(self.permission, connection)


def requires(permission: Permission) -> Any:
    """For `dependencies=[...]` of a route, a router or a page: who calls must have it."""
    return Depends(Demand(permission))


def open_to_all(reason: str) -> Any:
    """For `dependencies=[...]`: anybody may call this; the reason is for whoever reads the code."""
    return Depends(Demand(None, reason))


class AskingFirst(APIRoute):
    """A route that asks what it demands before it reads of a body: FastAPI would take a hundred
    megabytes of pictures apart and only then see that their sender may not enrol anybody."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        given = (each.dependency for each in self.dependencies)
        demands = tuple(each for each in given if isinstance(each, Demand))

        async def asked_first(request: Request) -> Response:
            for demand in demands:
                await demand(request)
            return await handle(request)

        return asked_first
