"""Keeps the rules in memory as the database has them, change by change, and what cameras hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from server.errors import StorageUnavailable, TookTooLong
from server.watchlist.camera_lists import CameraLists, Holdings
from server.watchlist.checking import entry_rule, list_rule
from server.watchlist.contract import RuleChanges
from server.watchlist.keeping import RuleStore
from server.watchlist.rule_book import RuleBook

LOOK_S: Final = 5.0
"""So often a process that raises no alerts looks whether rules have changed."""

_log = structlog.get_logger(__name__)


class RuleFollower:
    """One for a process. Nothing but this changes `book`, and not while somebody has it `followed`.
    `has_rules`: whether any list could say something."""

    def __init__(self, rules: RuleStore) -> None:
        self.book = RuleBook()
        self.camera_lists = CameraLists()
        self.has_rules = False
        self._rules = rules
        self._revision = 0
        self._turn = asyncio.Lock()

    async def follow(self) -> None:
        """Once, up to the last change. Raises StorageUnavailable, TookTooLong."""
        async with self.followed():
            pass

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[RuleBook]:
        """The book up to the last change, which stays as it is meanwhile. Raises as `follow`."""
        async with self._turn:
            await self._follow()
            yield self.book

    async def _follow(self) -> None:
        changes = await self._rules.changes(self._revision)
        if changes.revision > self._revision:
            await _to_its_end(lambda: apply(self.book, changes))
        elif self.camera_lists.are_known:
            return
        self.camera_lists.put(await asyncio.to_thread(lambda: Holdings(self.book.going())))
        self.has_rules = self.book.has_rules
        self._revision = changes.revision

    async def run(self) -> None:
        """Until it is cancelled: for cameras of a process that raises no alerts."""
        while True:
            try:
                await self.follow()
            except (StorageUnavailable, TookTooLong) as error:
                _log.warning("watchlists cannot be followed", reason=str(error))
            await asyncio.sleep(LOOK_S)


async def _to_its_end(work: Callable[[], None]) -> None:
    """On a thread; whoever is cancelled waits for it first."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait((working,))
        raise


def apply(book: RuleBook, changes: RuleChanges) -> None:
    """Brings the book up to the changes' revision."""
    for list_id in changes.lists_gone:
        book.drop_list(list_id)
    for entry_id in changes.entries_gone:
        book.drop_entry(entry_id)
    for held in changes.lists:
        book.put_list(list_rule(held.id, held.details))
    for entry in changes.entries:
        book.put_entry(entry_rule(entry.id, entry.list_id, entry.details))
