"""Browsers that leave before they are answered, and what is a fault for all that."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from server.web.pages.leaving import Leaving

WHOLE = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


async def handed_on(request: Request, answer_of: RequestResponseEndpoint) -> Response:
    return await answer_of(request)


async def until_left(scope: Any, receive: Any, send: Any) -> None:
    while await receive() != GONE:
        pass


async def until_left_wrongly(scope: Any, receive: Any, send: Any) -> None:
    await until_left(scope, receive, send)
    raise RuntimeError("a fault")


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """An answer that never comes."""


@pytest.mark.parametrize(
    ("answer", "told"),
    [(until_left, ClientDisconnect), (until_left_wrongly, RuntimeError), (nothing, RuntimeError)],
)
async def test_answer_that_nobody_waits_for_is_no_fault_and_all_else_is(
    answer: ASGIApp, told: type[Exception]
) -> None:
    coming = iter([WHOLE, GONE])

    async def receive() -> Any:
        return next(coming)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    pages = BaseHTTPMiddleware(BaseHTTPMiddleware(answer, handed_on), handed_on)
    with pytest.raises(told) as raised:
        await Leaving(pages)(scope, receive, send)
    assert type(raised.value) is told
