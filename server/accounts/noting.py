"""Writes entries of the audit log that come at once in one transaction: while one group goes to the
disk the next gathers, so that many who ask at once do not wait for an fsync each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from server.accounts.contract import Action, Caller

MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An entry to be."""

    caller: Caller
    action: Action
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    note: Note
    written: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Notes:
    """`write` puts a group on the disk, all of it or nothing, on a thread of `executor`. Used from
    one loop; what waits is bounded by those who wait for it."""

    def __init__(self, write: Callable[[Sequence[Note]], None], executor: Executor) -> None:
        self._write = write
        self._executor = executor
        self._waiting: list[_Waiting] = []
        self._is_writing = False

    async def add(self, note: Note) -> None:
        """Returns once it is on the disk; raises what `write` raised. Who gives up waiting takes
        nothing back."""
        waiting = _Waiting(note)
        self._waiting.append(waiting)
        if not self._is_writing:
            self._begin()
        await waiting.written

    def _begin(self) -> None:
        group, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        self._is_writing = True
        work = asyncio.get_running_loop().run_in_executor(
            self._executor, self._write, [each.note for each in group]
        )
        work.add_done_callback(partial(self._done, group))

    def _done(self, group: Sequence[_Waiting], work: asyncio.Future[None]) -> None:
        error = work.exception()
        for each in group:
            if each.written.done():  # nobody waits any more
                continue
            if error is None:
                each.written.set_result(None)
            else:
                each.written.set_exception(error)
        self._is_writing = False
        if self._waiting:
            self._begin()
