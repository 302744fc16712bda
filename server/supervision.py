"""What helps the server when a part of it breaks or memory runs short; each is reported as
critical, with what was done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import psutil
import structlog

from telemetry.process_memory import free_memory

RESTART_FIRST_S: Final = 1.0
RESTART_MOST_S: Final = 300.0
"""Between a part's break and its new start: twice as long each time, until it has run longer than
the longest."""
SHORT_SHARE: Final = 0.05
"""With less of the machine's memory available, the kernel may soon kill whoever it likes."""
ENOUGH_SHARE: Final = 0.10
LOOK_S: Final = 10.0
FREED_AGAIN_S: Final = 300.0
"""While it stays short, so often at most memory is freed, and reported."""

Sleep = Callable[[float], Awaitable[None]]
Work = Callable[[], Awaitable[None]]

_log = structlog.get_logger(__name__)


async def kept_running(name: str, work: Work, *, sleep: Sleep = asyncio.sleep) -> None:
    """Does the work, and starts it anew where it breaks: nothing beside the rows may end the
    server. Until it is cancelled, or the work ends by itself; what breaks while it is cancelled is
    told and not started anew."""
    delay_s, clock = RESTART_FIRST_S, asyncio.get_running_loop().time
    while True:
        began_s = clock()
        try:
            # In a task of its own: up to Python 3.12 one stays cancelled in whose group another
            # failed (github.com/python/cpython/issues/116720), and would seem to be ending.
            return await asyncio.create_task(_done(work))
        except Exception as error:  # the supervisor: whatever broke is started anew
            if clock() - began_s > RESTART_MOST_S:
                delay_s = RESTART_FIRST_S
            task = asyncio.current_task()
            is_ending = task is not None and task.cancelling() > 0
            done = "it was to end" if is_ending else f"starts anew in {delay_s:g} s"
            if isinstance(error, MemoryError):
                done = f"{free_memory() // 1_000_000} MB of memory freed; {done}"
            _log.exception(
                "a part of the server broke", part=name, severity="critical", action=done
            )
            if is_ending:
                raise asyncio.CancelledError from error
        await sleep(delay_s)
        delay_s = min(2 * delay_s, RESTART_MOST_S)


async def _done(work: Work) -> None:
    await work()


@contextlib.asynccontextmanager
async def beside(works: Mapping[str, Work], *, sleep: Sleep = asyncio.sleep) -> AsyncIterator[None]:
    """Each of these parts is kept running inside `async with`, by its name; on leaving all end.

    A task of its own that broke would say so to nobody before the server stops.
    """
    running = [
        asyncio.create_task(kept_running(name, work, sleep=sleep)) for name, work in works.items()
    ]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def available_share() -> float:
    """Of the machine's memory, 0..1."""
    memory = psutil.virtual_memory()
    return float(memory.available / memory.total)


async def watch_memory(
    *,
    available: Callable[[], float] = available_share,
    free: Callable[[], int] = free_memory,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Frees memory while the machine's runs short. Until it is cancelled."""
    is_short, since_freed_s = False, FREED_AGAIN_S
    while True:
        await sleep(LOOK_S)
        since_freed_s += LOOK_S
        share = available()
        if share > ENOUGH_SHARE and is_short:
            is_short, since_freed_s = False, FREED_AGAIN_S
            _log.info("memory suffices again", available=f"{share:.0%}")
        if share < SHORT_SHARE and since_freed_s >= FREED_AGAIN_S:
            is_short, since_freed_s = True, 0.0
            freed = await asyncio.to_thread(free)
            _log.error(
                "memory is short",
                available=f"{share:.1%}",
                severity="critical",
                action=f"{freed // 1_000_000} MB of memory freed",
            )
