"""The process around the agent: event loop, signals, and an end that nothing can hold up."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import structlog
import uvloop

from agent.ending import EXIT_FAILED
from telemetry.collecting import look_as_usual

T = TypeVar("T")

STOP_S: Final = 4.5
"""A signal ends the process within this time, whatever hangs: every row is safe at any moment."""

log = structlog.get_logger(__name__)


def run_loop(
    work: Callable[[asyncio.Event], Awaitable[int]], *, told: tuple[type[Exception], ...]
) -> int:
    """Runs `work` on a loop whose SIGTERM and SIGINT set the event; its exit code.

    Errors of the `told` types come out of their groups, for somebody to tell them in a sentence.
    """

    async def main() -> int:
        look_as_usual()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, stop)
        return await work(stop)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())
    except BaseExceptionGroup as group:
        known, _ = group.split(told)
        if known is None:
            raise
        raise _first(known) from group


def _stop(stop: asyncio.Event) -> None:
    """On a signal: ends in order, or without where something hangs, the loop itself included."""
    if not stop.is_set():
        timer = threading.Timer(STOP_S, _end_at_once)
        timer.daemon = True
        timer.start()
    stop.set()


def _end_at_once() -> None:
    log.error("something did not end in %g s and is left behind; stored rows are safe", STOP_S)
    os._exit(EXIT_FAILED)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def first_done(one: Awaitable[T], other: Awaitable[Any]) -> T | None:
    """The result of `one`, or None where `other` is over sooner; what is left is cancelled.

    A call in a thread cannot be cancelled: its future is left to whoever made it.
    """
    first = asyncio.ensure_future(one)
    second = asyncio.ensure_future(other)
    try:
        either: set[asyncio.Future[Any]] = {first, second}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return first.result() if first.done() else None
    finally:
        second.cancel()
        if isinstance(first, asyncio.Task):
            first.cancel()
