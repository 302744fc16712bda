"""An event loop on a thread beside: for commands that work step by step on what needs one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def opened_beside(
    opening: Callable[[], AbstractAsyncContextManager[T]],
) -> Iterator[tuple[T, asyncio.AbstractEventLoop]]:
    """What `opening` gives, held open on a loop of its own until the end. Raises what it raises."""
    given: Future[tuple[T, asyncio.AbstractEventLoop]] = Future()
    is_over: Future[None] = Future()

    async def hold() -> None:
        try:
            async with opening() as opened:
                given.set_result((opened, asyncio.get_running_loop()))
                await asyncio.wrap_future(is_over)
        except BaseException as error:
            if given.done():
                raise
            given.set_exception(error)

    with ThreadPoolExecutor(1, thread_name_prefix="sightpost-loop") as thread:
        try:
            running = thread.submit(asyncio.run, hold())
            yield given.result()
        finally:
            is_over.set_result(None)  # also where Ctrl-C came before anything was given
        running.result()
