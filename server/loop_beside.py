"""An event loop on a thread beside: for commands that work step by step on what needs one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

from server.unbroken import Unbroken

T = TypeVar("T")


def opened_beside(
    opening: Callable[[], AbstractAsyncContextManager[T]],
) -> Unbroken[tuple[T, asyncio.AbstractEventLoop]]:
    """What `opening` gives, held open on a loop of its own until the end. Raises what it raises.
    Ctrl-C before it is open cancels the opening, a second one the closing."""
    beside = _Beside(opening)
    return Unbroken(beside.open, beside.close, hurry=beside.give_up)


class _Beside(Generic[T]):
    """`close` after `open`, whatever came of it."""

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._opening = opening
        self._given: Future[tuple[T, asyncio.AbstractEventLoop]] = Future()
        self._is_over: Future[None] = Future()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sightpost-loop")
        self._running: Future[None] | None = None
        self._holding: asyncio.Task[None] | None = None
        self._is_given_up = False

    def open(self) -> tuple[T, asyncio.AbstractEventLoop]:
        self._running = self._thread.submit(self._live)
        return self._given.result()

    def close(self) -> None:
        """Raises what the closing raises."""
        self._is_over.set_result(None)
        self._thread.shutdown()
        if self._running is not None:
            self._running.result()

    def give_up(self) -> None:
        """Safe from any thread, and in a signal's handler."""
        self._is_given_up = True
        if self._holding is not None:
            with contextlib.suppress(RuntimeError):  # its loop is closed: it ended by itself
                self._holding.get_loop().call_soon_threadsafe(self._give_up)

    def _give_up(self) -> None:
        """On the loop, where what is given is given: until its end nothing is cancelled then."""
        is_in_use = self._given.done() and not self._is_over.done()
        if self._holding is not None and not is_in_use:
            self._holding.cancel()

    def _live(self) -> None:
        """On the thread; also where no loop can be had, somebody waits for what is given."""
        try:
            with asyncio.Runner() as runner:
                runner.run(self._hold())
        except BaseException as error:
            if self._given.done():
                raise
            self._given.set_exception(error)

    async def _hold(self) -> None:
        self._holding = asyncio.current_task()
        if self._is_given_up:
            raise asyncio.CancelledError
        async with self._opening() as opened:
            self._given.set_result((opened, asyncio.get_running_loop()))
            await asyncio.wrap_future(self._is_over)
