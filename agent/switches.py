"""Parts that an operator starts and stops while the agent runs, each behind the same two calls.

Nothing of it outlasts the agent: a camera that was switched off and forgotten comes back with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)


class FlagSwitch:
    """A part of another thread that looks at a flag. The calls only set it."""

    def __init__(
        self,
        name: str,
        *,
        is_on: Callable[[], bool],
        start: Callable[[], None],
        stop: Callable[[], None],
    ) -> None:
        self._name = name
        self._is_on = is_on
        self._start = start
        self._stop = stop

    @property
    def is_on(self) -> bool:
        return self._is_on()

    async def start(self) -> bool:
        if self._is_on():
            return False
        self._start()
        log.info("started by an operator", part=self._name)
        return True

    async def stop(self) -> bool:
        if not self._is_on():
            return False
        self._stop()
        log.info("stopped by an operator", part=self._name)
        return True


class TaskSwitch:
    """Work on the event loop that runs until its event is set, again and again.

    `run` is what the agent runs beside its other tasks; what the work raises comes out of it.
    """

    def __init__(self, name: str, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        self._name = name
        self._work = work
        self._ending: asyncio.Event | None = None
        self._is_wanted = True
        self._changed = asyncio.Condition()

    @property
    def is_on(self) -> bool:
        return self._is_wanted

    async def run(self, stop: asyncio.Event) -> None:
        """The work, whenever it is wanted, until `stop`."""
        stopping = asyncio.ensure_future(self._end_with(stop))
        try:
            while not stop.is_set():
                async with self._changed:
                    await self._changed.wait_for(lambda: self._is_wanted or stop.is_set())
                if not stop.is_set():
                    await self._work_once(stop)
        finally:
            stopping.cancel()

    async def start(self) -> bool:
        if self._is_wanted:
            return False
        self._is_wanted = True
        await self._tell()
        log.info("started by an operator", part=self._name)
        return True

    async def stop(self) -> bool:
        if not self._is_wanted:
            return False
        self._is_wanted = False
        ending = self._ending
        if ending is not None:
            ending.set()
            # Started again meanwhile, it has another event: that is not waited for.
            async with self._changed:
                await self._changed.wait_for(lambda: self._ending is not ending)
        log.info("stopped by an operator", part=self._name)
        return True

    async def _work_once(self, stop: asyncio.Event) -> None:
        self._ending = asyncio.Event()
        if stop.is_set():
            self._ending.set()
        try:
            await self._work(self._ending)
            if not self._ending.is_set():
                self._is_wanted = False  # it ended by itself: until somebody starts it again
        finally:
            self._ending = None
            await self._tell()

    async def _end_with(self, stop: asyncio.Event) -> None:
        await stop.wait()
        if self._ending is not None:
            self._ending.set()
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
