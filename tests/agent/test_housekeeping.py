"""Chores are done when due, one at a time; one that fails is told and comes again."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.errors import OutboxClosed, OutboxError
from agent.housekeeping import Chore, keep_house


async def test_chores_come_again_and_one_that_fails_stops_no_other() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    done: list[str] = []

    def fails() -> None:
        done.append("fails")
        raise OutboxError("the disk is away")

    def works() -> None:
        done.append("works")
        if done.count("fails") >= 2:
            loop.call_soon_threadsafe(stop.set)

    chores = [
        Chore(name="fails", call=fails, every_s=0.001),
        Chore(name="works", call=works, every_s=0.001),
    ]
    with ThreadPoolExecutor(1) as executor:
        await asyncio.wait_for(keep_house(chores, executor=executor, stop=stop), 10)
    assert done.count("fails") >= 2


async def test_stop_does_not_wait_for_a_chore_under_way() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    outbox_closed = threading.Event()

    def long() -> None:
        loop.call_soon_threadsafe(stop.set)
        assert outbox_closed.wait(10)
        raise OutboxClosed("closed meanwhile")

    with ThreadPoolExecutor(1) as executor:
        chores = [Chore(name="long", call=long, every_s=1)]
        await asyncio.wait_for(keep_house(chores, executor=executor, stop=stop), 10)
        outbox_closed.set()


@pytest.mark.parametrize("first_s", [0.0, 3600.0])
async def test_first_time_is_kept(first_s: float) -> None:
    stop = asyncio.Event()
    done: list[str] = []
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)

    chores = [
        Chore(name="late", call=lambda: done.append("late"), every_s=3600, first_s=first_s),
        Chore(name="end", call=end, every_s=1, first_s=0.01),
    ]
    with ThreadPoolExecutor(1) as executor:
        await asyncio.wait_for(keep_house(chores, executor=executor, stop=stop), 10)
    assert bool(done) == (first_s == 0.0)
