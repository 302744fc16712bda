"""A body is counted as it comes, and given up where it stops coming."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.web.security.bodies import (
    LARGEST_BYTES,
    WHOLE_S,
    largest_bytes,
    longest_s,
    measured,
    says_too_much,
)
from server.web.security.refusals import BodyTooLarge, BodyTooSlow


def scope_of(path: str = "/login") -> dict[str, Any]:
    return {"type": "http", "path": path, "headers": [], "state": {}}


async def never() -> Any:
    await asyncio.Event().wait()


async def test_a_body_that_stops_coming_is_given_up() -> None:
    scope = scope_of()
    with pytest.raises(BodyTooSlow):
        await measured(scope, never, pause_s=0.01)()
    assert isinstance(scope["state"]["refusal"], BodyTooSlow)


async def test_a_body_that_trickles_is_given_up_in_the_end() -> None:
    async def trickling() -> Any:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": True}

    counting = measured(scope_of(), trickling, whole_s=0.05)

    async def whole() -> None:
        while (await counting())["more_body"]:
            pass

    with pytest.raises(BodyTooSlow):
        await whole()


def test_what_may_be_large_may_take_long() -> None:
    assert longest_s("/login") == WHOLE_S
    assert longest_s("/query") > 300


async def test_after_the_body_there_is_no_hurry() -> None:
    parts = [{"type": "http.request", "body": b"x", "more_body": False}]

    async def receive() -> Any:
        return parts.pop() if parts else await never()

    counting = measured(scope_of(), receive, pause_s=0.01)
    assert (await counting())["body"] == b"x"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await counting()


async def test_every_piece_counts() -> None:
    half = b"x" * (LARGEST_BYTES // 2)

    async def receive() -> Any:
        return {"type": "http.request", "body": half, "more_body": True}

    counting = measured(scope_of(), receive)
    await counting()
    await counting()
    with pytest.raises(BodyTooLarge):
        await counting()


def test_pages_may_say_more() -> None:
    assert largest_bytes("/_nicegui_ws/socket.io/") > largest_bytes("/api/v1/me") == LARGEST_BYTES
    for length, is_too_much in ((None, False), ("65536", False), ("65537", True), ("x", True)):
        assert says_too_much("/login", length) is is_too_much
