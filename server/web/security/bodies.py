"""How large a request's body may be, and how long it may take to come."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi.requests import HTTPConnection
from starlette.types import Message, Receive, Scope

from server.web.security.refusals import BodyTooLarge, BodyTooSlow

LARGEST_BYTES: Final = 64 * 1024
_MEGABYTE: Final = 1024 * 1024
LARGER: Final = (
    ("/_nicegui", _MEGABYTE),
    ("/api/v1/watchlist-imports", 32 * _MEGABYTE),
    *((path, 48 * _MEGABYTE) for path in ("/query", "/api/v1/faces")),
    *((path, 128 * _MEGABYTE) for path in ("/add_embedding", "/api/v1/persons")),
)
"""Paths below which more is allowed: what happened on a page, where no WebSocket gets through; a
file of some hundred thousand plates; one or two pictures to be looked into; several to enrol
somebody. They go to the disk as they come."""
PAUSE_S: Final = 20.0
"""Between two pieces of a body."""


def largest_bytes(path: str) -> int:
    return next((size for prefix, size in LARGER if path.startswith(prefix)), LARGEST_BYTES)


def says_too_much(path: str, content_length: str | None) -> bool:
    """Whether the request announces more than it may bring, or no number at all."""
    if content_length is None:
        return False
    return not content_length.isdecimal() or int(content_length) > largest_bytes(path)


def measured(scope: Scope, receive: Receive, *, pause_s: float = PAUSE_S) -> Receive:
    """Counts what really comes, announced or not."""
    most, seen, is_whole = largest_bytes(scope["path"]), 0, False

    async def counting() -> Message:
        nonlocal seen, is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout(pause_s):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow(HTTPConnection(scope)) from None
        seen += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if seen > most:
            raise BodyTooLarge(most, HTTPConnection(scope))
        return message

    return counting
