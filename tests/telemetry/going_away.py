"""A client that goes away before its request is whole."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

CLIENT_PORT = 50123


async def left_in_the_midst(app: ASGIApp, path: str, *, origin: str, address: str) -> list[int]:
    """Of a form that is posted there from a page of `origin`; the statuses that are answered."""
    said: list[int] = []
    heard = [
        {"type": "http.request", "body": b"username=an", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return heard.pop(0)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            said.append(message["status"])

    headers = {"host": origin.removeprefix("http://"), "origin": origin}
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "client": (address, CLIENT_PORT),
        "headers": [(key.encode(), value.encode()) for key, value in headers.items()],
    }
    await app(scope, receive, send)
    return said
