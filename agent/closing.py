"""Ends parts that may hang: what does not end in its time is left behind, and told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar

import structlog

from agent.driver_thread import DriverThread

CLOSE_S: Final = 0.5
"""For each part; together they stay within what a signal grants (`agent.process.STOP_S`)."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class StoppedEarly(Exception):
    """A signal came before the program was ready."""


def executor(resources: AsyncExitStack, name: str) -> ThreadPoolExecutor:
    """One thread, ended with `resources`; a call that hangs is not waited for."""
    made = ThreadPoolExecutor(1, thread_name_prefix=name)
    resources.push_async_callback(close_in_time, name, made.shutdown)
    return made


async def close_in_time(name: str, close: Callable[[], object], within_s: float = CLOSE_S) -> None:
    """Calls `close` on a thread; raises what it raises."""
    thread = DriverThread(f"closing {name}")
    closing = asyncio.wrap_future(thread.submit(close))
    thread.leave()
    done, _ = await asyncio.wait({closing}, timeout=within_s)
    if done:
        closing.result()
    else:
        log.warning("a part hangs and is left behind", part=name, after_s=within_s)


async def unless_stopped(name: str, call: Callable[[], T], stop: asyncio.Event) -> T:
    """What `call` gives, made on a thread; raises StoppedEarly where `stop` comes first, and leaves
    the call to itself."""
    thread = DriverThread(name)
    made = asyncio.wrap_future(thread.submit(call))
    thread.leave()
    stopping = asyncio.ensure_future(stop.wait())
    try:
        either: set[asyncio.Future[Any]] = {made, stopping}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    if made.done():
        return made.result()
    raise StoppedEarly
