"""Starting and stopping parts: really, once, and again."""

from __future__ import annotations

import asyncio

import pytest

from agent.switches import FlagSwitch, TaskSwitch


class Work:
    """Counts how often it was begun and ended."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.runs = asyncio.Event()

    async def __call__(self, ending: asyncio.Event) -> None:
        self.begun += 1
        self.runs.set()
        try:
            await ending.wait()
        finally:
            self.ended += 1
            self.runs.clear()


async def test_work_is_stopped_before_stop_returns_and_runs_again_after_start() -> None:
    work, stop = Work(), asyncio.Event()
    switch = TaskSwitch("sender", work)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(switch.run(stop))
        await work.runs.wait()
        assert switch.is_on
        assert await switch.stop()
        assert (work.begun, work.ended, switch.is_on) == (1, 1, False)
        assert not await switch.stop()
        assert await switch.start()
        assert not await switch.start()
        await work.runs.wait()
        stop.set()
    assert (work.begun, work.ended) == (2, 2)


async def test_a_start_while_it_stops_lets_stop_return_and_the_work_run_again() -> None:
    ends, begun, stop = asyncio.Event(), asyncio.Semaphore(0), asyncio.Event()

    async def slow(ending: asyncio.Event) -> None:
        begun.release()
        await ending.wait()
        await ends.wait()

    switch = TaskSwitch("sender", slow)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(switch.run(stop))
        await begun.acquire()
        stopping = tasks.create_task(switch.stop())
        await asyncio.sleep(0)
        assert not switch.is_on
        assert await switch.start()
        ends.set()
        assert await stopping
        await begun.acquire()
        assert switch.is_on
        stop.set()


async def test_the_agents_end_ends_a_part_that_was_stopped() -> None:
    work, stop = Work(), asyncio.Event()
    switch = TaskSwitch("sender", work)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(switch.run(stop))
        await work.runs.wait()
        await switch.stop()
        stop.set()
    assert work.begun == 1


async def test_stopping_and_starting_before_the_work_began_loses_nothing() -> None:
    work, stop = Work(), asyncio.Event()
    switch = TaskSwitch("sender", work)
    assert await switch.stop()
    assert await switch.start()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(switch.run(stop))
        await work.runs.wait()
        stop.set()
    assert work.ended == 1


async def test_what_the_work_raises_comes_out() -> None:
    async def breaks(ending: asyncio.Event) -> None:
        raise ConnectionError("broke")

    with pytest.raises(ConnectionError):
        await TaskSwitch("sender", breaks).run(asyncio.Event())


async def test_a_flag_is_set_once() -> None:
    calls: list[str] = []
    state = {"is_on": True}

    def turn(is_on: bool) -> None:
        state["is_on"] = is_on
        calls.append("start" if is_on else "stop")

    switch = FlagSwitch(
        "camera", is_on=lambda: state["is_on"], start=lambda: turn(True), stop=lambda: turn(False)
    )
    assert not await switch.start()
    assert await switch.stop()
    assert not await switch.stop()
    assert await switch.start()
    assert calls == ["stop", "start"]
