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
    ("/_nicegui/client/", 24 * _MEGABYTE),
    ("/_nicegui", _MEGABYTE),
    ("/api/v1/watchlist-imports", 32 * _MEGABYTE),
    *((path, 48 * _MEGABYTE) for path in ("/query", "/api/v1/faces")),
    *((path, 128 * _MEGABYTE) for path in ("/add_embedding", "/api/v1/persons")),
)
"""Paths below which more is allowed: a picture dropped on a page; what happened on a page, where no
WebSocket gets through; a file of some hundred thousand plates; one or two pictures to be looked
into; several to enrol somebody. They go to the disk as they come."""
_LARGER_BELOW: Final = tuple(prefix for prefix, _ in LARGER)
PAUSE_S: Final = 20.0
"""Between two pieces of a body."""
WHOLE_S: Final = 60.0
"""For a small body; of one that may be larger, SLOWEST_BYTES_A_S besides."""
SLOWEST_BYTES_A_S: Final = 128 * 1024


def largest_bytes(path: str) -> int:
    if not path.startswith(_LARGER_BELOW):  # as most are
        return LARGEST_BYTES
    return next((size for prefix, size in LARGER if path.startswith(prefix)), LARGEST_BYTES)


def longest_s(path: str) -> float:
    """How long a body may take from its first piece asked for to its last."""
    return WHOLE_S + (largest_bytes(path) - LARGEST_BYTES) / SLOWEST_BYTES_A_S


def says_too_much(path: str, content_length: str | None) -> bool:
    """Whether the request announces more than it may bring, or no number at all."""
    if content_length is None:
        return False
    return not content_length.isdecimal() or int(content_length) > largest_bytes(path)


def measured(
    scope: Scope, receive: Receive, *, pause_s: float = PAUSE_S, whole_s: float | None = None
) -> Receive:
    """Counts what really comes, announced or not; `whole_s` is longest_s() of the path."""
    most, seen, is_whole = largest_bytes(scope["path"]), 0, False
    lasts_s = longest_s(scope["path"]) if whole_s is None else whole_s
    clock = asyncio.get_running_loop().time
    ends_at: float | None = None

    async def counting() -> Message:
        nonlocal seen, is_whole, ends_at
        if is_whole:
            return await receive()
        ends_at = clock() + lasts_s if ends_at is None else ends_at
        try:
            if clock() > ends_at:  # what is there already is not waited for
                raise TimeoutError
            async with asyncio.timeout_at(min(clock() + pause_s, ends_at)):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow(HTTPConnection(scope)) from None
        seen += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if seen > most:
            raise BodyTooLarge(most, HTTPConnection(scope))
        return message

    return counting
