"""Writes entries of the audit log that come at once in one transaction: while one group goes to the
disk the next gathers, so that many who ask at once do not wait for an fsync each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from server.accounts.contract import Action, Caller
from server.errors import GroupRefused, QuestionInvalid, ServerError
from server.gathering import Gathering

MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An entry to be."""

    caller: Caller
    action: Action
    subject: str
    detail: str


class Notes:
    """`write` puts a group on the disk, all of it or nothing. Of a group in which one is at fault
    each is written by itself. Used from one loop; what waits is bounded by those who wait for it.
    """

    def __init__(self, write: Callable[[Sequence[Note]], Awaitable[None]]) -> None:
        self._write = write
        self._gathering = Gathering(self._written, most=MOST_AT_ONCE)

    async def add(self, note: Note) -> None:
        """Returns once it is on the disk; raises what `write` raised of it. Who gives up waiting
        takes nothing back."""
        fault = await self._gathering.ask(note)
        if fault is not None:
            raise fault

    async def _written(self, notes: Sequence[Note]) -> Sequence[ServerError | None]:
        """What is wrong with each. Raises what is no note's fault."""
        try:
            await self._write(notes)
        except (QuestionInvalid, GroupRefused) as error:
            if len(notes) == 1:
                return [error]
            return [fault for note in notes for fault in await self._written([note])]
        return [None] * len(notes)
