"""The sender's one thread: everything that touches the database or pictures runs there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, Self, TypeVar

from agent.errors import OutboxError
from agent.uplink.link import LinkFailed, LinkFailure

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """Runs blocking calls one after the other, in order. `close()` is idempotent."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="outbox-sending")
        self._begun_at_s: float | None = None

    @property
    def still_s(self) -> float:
        """Seconds for which the call under way has been so; 0 where there is none."""
        begun_at_s = self._begun_at_s
        return 0.0 if begun_at_s is None else time.monotonic() - begun_at_s

    def start(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Puts the call in line and returns at once."""

        def timed() -> T:
            self._begun_at_s = time.monotonic()
            try:
                return call(*args, **kwargs)
            finally:
                self._begun_at_s = None

        return asyncio.get_running_loop().run_in_executor(self._executor, timed)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result; a database or file that fails becomes LinkFailed."""
        return await done(self.start(call, *args, **kwargs))

    async def all_done(self) -> None:
        """Returns once every call in line is done."""
        await self.start(lambda: None)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


async def done(call: asyncio.Future[T]) -> T:
    """The result of a call in line, with its errors as `Worker.run` words them."""
    try:
        return await call
    except OutboxError as error:
        raise LinkFailed(LinkFailure.STORAGE, str(error)) from error
