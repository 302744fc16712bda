"""Work on a thread of its own: so much at a time, and what is given up is told to who waits."""

from __future__ import annotations

import asyncio
import threading

import pytest

from server.errors import TooBusy
from server.one_at_a_time import OneAtATime


class Hanging:
    """Work that is not done before it may go on."""

    def __init__(self) -> None:
        self.is_begun, self.goes_on = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.is_begun.set()
        self.goes_on.wait(60)
        return "done"


async def test_what_is_in_hand_counts_though_whoever_asked_is_gone() -> None:
    turns = OneAtATime("test", most=2, refusal="two wait")
    hang = Hanging()
    asking = [asyncio.create_task(turns.run(hang)) for _ in range(2)]
    assert await asyncio.to_thread(hang.is_begun.wait, 30)
    for task in asking:
        task.cancel()
    assert all(
        isinstance(each, asyncio.CancelledError)
        for each in await asyncio.gather(*asking, return_exceptions=True)
    )
    waiting = asyncio.create_task(turns.run(lambda: "its turn"))
    await asyncio.sleep(0)
    with pytest.raises(TooBusy, match="two wait"):
        await turns.run(hang)
    hang.goes_on.set()
    async with asyncio.timeout(30):
        assert await waiting == "its turn"
        assert await turns.run(hang) == "done"
    turns.close()


async def test_what_waits_when_it_is_closed_is_refused_and_nobody_is_cancelled() -> None:
    turns = OneAtATime("test", most=3, refusal="three wait")
    hang = Hanging()
    in_hand = asyncio.create_task(turns.run(hang))
    waiting = asyncio.create_task(turns.run(hang))
    assert await asyncio.to_thread(hang.is_begun.wait, 30)
    turns.close()
    async with asyncio.timeout(30):
        with pytest.raises(TooBusy, match="stopped or deleted meanwhile"):
            await waiting
        with pytest.raises(TooBusy, match="stopped or deleted meanwhile"):
            await turns.run(hang)
        hang.goes_on.set()
        assert await in_hand == "done"
    turns.close()
