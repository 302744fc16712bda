"""Does what many ask for at once in groups: while one group is worked on the next gathers, so that
nobody waits for a thread, a search or an fsync of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


def on_thread(
    work: Callable[[Sequence[Asked]], Sequence[Answered]], executor: Executor
) -> Callable[[Sequence[Asked]], Awaitable[Sequence[Answered]]]:
    """`work` on a thread of `executor`."""

    async def done(group: Sequence[Asked]) -> Sequence[Answered]:
        return await asyncio.get_running_loop().run_in_executor(executor, work, group)

    return done


class Gathering(Generic[Asked, Answered]):
    """`work` answers a group in its order; `most` are in a group, and `at_once` groups are worked
    on. Used from one loop; what waits is bounded by those who wait."""

    def __init__(
        self,
        work: Callable[[Sequence[Asked]], Awaitable[Sequence[Answered]]],
        *,
        most: int,
        at_once: int = 1,
    ) -> None:
        self._work = work
        self._most = most
        self._at_once = at_once
        self._waiting: list[tuple[Asked, asyncio.Future[Answered]]] = []
        self._in_hand: set[asyncio.Future[Sequence[Answered]]] = set()

    async def ask(self, one: Asked) -> Answered:
        """Its answer; raises what `work` raised, which is the whole group's. Who gives up waiting
        takes nothing back."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answered] = loop.create_future()
        self._waiting.append((one, answer))
        self._begin(loop)
        return await answer

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._waiting or len(self._in_hand) >= self._at_once:
            return
        group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        work = asyncio.ensure_future(self._work([one for one, _ in group]))  # noqa: RUF006 (kept)
        self._in_hand.add(work)
        work.add_done_callback(partial(self._done, loop, [answer for _, answer in group]))

    def _done(
        self,
        loop: asyncio.AbstractEventLoop,
        group: Sequence[asyncio.Future[Answered]],
        work: asyncio.Future[Sequence[Answered]],
    ) -> None:
        self._in_hand.discard(work)
        error = work.exception()
        answers = [None] * len(group) if error is not None else work.result()
        for future, answer in zip(group, answers, strict=True):
            if future.done():  # nobody waits any more
                continue
            if error is None:
                future.set_result(answer)  # type: ignore[arg-type]
            else:
                future.set_exception(error)
        self._begin(loop)
