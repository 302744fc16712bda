"""Writes entries of the audit log that come at once in one transaction: while one group goes to the
disk the next gathers, so that many who ask at once do not wait for an fsync each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from server.accounts.contract import Action, Caller
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
    """`write` puts a group on the disk, all of it or nothing. Used from one loop; what waits is
    bounded by those who wait for it."""

    def __init__(self, write: Callable[[Sequence[Note]], Awaitable[None]]) -> None:
        async def written(notes: Sequence[Note]) -> Sequence[None]:
            await write(notes)
            return [None] * len(notes)

        self._gathering = Gathering(written, most=MOST_AT_ONCE)

    async def add(self, note: Note) -> None:
        """Returns once it is on the disk; raises what `write` raised. Who gives up waiting takes
        nothing back."""
        await self._gathering.ask(note)
