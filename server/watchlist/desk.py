"""Watchlists and alerts as pages and REST use them: checks, audits, then has it done."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from dataclasses import replace
from datetime import datetime, tzinfo

from server.accounts.contract import Action, Auditor, Caller
from server.bell import Bell
from server.errors import NotThere, QuestionInvalid
from server.watchlist.checking import checked_entry, checked_list, text
from server.watchlist.contract import (
    Alert,
    AlertChange,
    AlertFilter,
    AlertPage,
    Entry,
    EntryDetails,
    EntryPage,
    ImportState,
    ListDetails,
    Placed,
    Verdict,
    Watchlist,
)
from server.watchlist.importing import Importing
from server.watchlist.keeping import AlertStore, RuleStore


class WatchlistDesk:
    """Implements the contract's Watchlists; rings `changed` after each change."""

    def __init__(
        self,
        store: RuleStore,
        auditor: Auditor,
        changed: Bell,
        *,
        now: Callable[[], datetime],
        zone: tzinfo,
    ) -> None:
        self._store = store
        self._auditor = auditor
        self._changed = changed
        self._now = now
        self._importing = Importing(store, zone=zone, now=now, changed=changed.ring)

    async def lists(self) -> tuple[Watchlist, ...]:
        return await self._store.lists()

    async def list_of(self, list_id: int) -> Watchlist:
        return await self._store.list_of(list_id)

    async def make_list(self, caller: Caller, details: ListDetails) -> Watchlist:
        wanted = checked_list(details)
        await self._audit(caller, f"list {wanted.name}", f"made: {wanted}")
        made = await self._store.make_list(wanted, by=caller.name, now=self._now())
        self._changed.ring()
        return made

    async def change_list(self, caller: Caller, list_id: int, details: ListDetails) -> Watchlist:
        held = await self._store.list_of(list_id)
        wanted = checked_list(details)
        if wanted.subject is not held.details.subject:
            raise QuestionInvalid(
                f"subject={wanted.subject}: list {list_id} holds {held.details.subject}, make "
                "another list"
            )
        await self._audit(caller, f"list {held.details.name}", f"changed: {wanted}")
        changed = await self._store.change_list(list_id, wanted, by=caller.name, now=self._now())
        self._changed.ring()
        return changed

    async def drop_list(self, caller: Caller, list_id: int) -> None:
        held = await self._store.list_of(list_id)
        await self._audit(
            caller, f"list {held.details.name}", f"deleted, with {held.entries} entries"
        )
        await self._store.drop_list(list_id, by=caller.name, now=self._now())
        self._changed.ring()

    async def entries(
        self, list_id: int, *, search: str = "", before: int | None = None, limit: int = 50
    ) -> EntryPage:
        return await self._store.entries(list_id, search=search, before=before, limit=limit)

    async def entry_like(self, list_id: int, details: EntryDetails) -> Entry | None:
        held = await self._store.list_of(list_id)
        return await self._store.entry_like(list_id, checked_entry(details, held.details.subject))

    async def put_entry(
        self,
        caller: Caller,
        list_id: int,
        details: EntryDetails,
        *,
        said: frozenset[str] | None = None,
    ) -> Placed:
        held = await self._store.list_of(list_id)
        wanted = checked_entry(details, held.details.subject)
        there = await self._store.entry_like(list_id, wanted)
        was = "" if there is None else f"; it was {there.details}"
        await self._audit(caller, f"list {held.details.name}", f"entry: {wanted}{was}")
        _, changes = await self._store.put_entries(
            list_id, [wanted], by=caller.name, now=self._now(), said=said
        )
        self._changed.ring()
        entry = await self._store.entry_like(list_id, wanted)
        if entry is None:
            raise NotThere(f"list {list_id} has no such entry: somebody took it out again")
        before = changes[0].before if changes else None if there is None else there.details
        return Placed(entry=entry, before=before)

    async def drop_entry(self, caller: Caller, list_id: int, entry_id: int) -> None:
        held = await self._store.list_of(list_id)
        await self._audit(caller, f"list {held.details.name}", f"entry {entry_id} taken out")
        await self._store.drop_entry(list_id, entry_id, by=caller.name, now=self._now())
        self._changed.ring()

    async def import_csv(
        self, caller: Caller, list_id: int, content: AsyncIterable[bytes], *, all_bytes: int
    ) -> ImportState:
        held = await self._store.list_of(list_id)
        self._importing.check_free()
        await self._audit(caller, f"list {held.details.name}", f"import of {all_bytes} bytes")
        return await self._importing.start(
            list_id, held.details.subject, caller.name, content, all_bytes
        )

    def import_state(self) -> ImportState | None:
        return self._importing.state()

    async def imported(self) -> ImportState | None:
        """The state when the import in hand has ended."""
        return await self._importing.finished()

    async def close(self) -> None:
        """Ends an import after the piece in hand; idempotent."""
        await self._importing.close()

    async def _audit(self, caller: Caller, subject: str, detail: str) -> None:
        await self._auditor.audit(caller, Action.WATCHLIST_CHANGED, subject, detail)


class AlertDesk:
    """Implements the contract's Alerts; rings `changed` after each change."""

    def __init__(
        self, store: AlertStore, auditor: Auditor, changed: Bell, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._auditor = auditor
        self._changed = changed
        self._now = now

    async def page(
        self, chosen: AlertFilter, *, before: int | None = None, limit: int = 50
    ) -> AlertPage:
        return await self._store.page(chosen, before=before, limit=limit)

    async def one(self, alert_id: int) -> Alert:
        return await self._store.one(alert_id)

    async def count_open(self, *, with_persons: bool) -> int:
        return await self._store.count_open(with_persons=with_persons)

    async def change(self, caller: Caller, alert_id: int, change: AlertChange) -> Alert:
        await self._store.one(alert_id)
        note = None if change.note is None else text("note", change.note)
        if change.is_open and change.verdict not in (None, Verdict.NONE):
            raise QuestionInvalid(
                f"verdict={change.verdict}: an alert that is open has none, leave one of both out"
            )
        await self._auditor.audit(caller, Action.ALERT_JUDGED, f"alert {alert_id}", _said(change))
        change = replace(change, note=note)
        alert = await self._store.change(alert_id, change, by=caller.name, now=self._now())
        self._changed.ring()
        return alert


def _said(change: AlertChange) -> str:
    """For the audit log."""
    if change.is_open:
        return "opened again"
    if not change.acknowledges:
        return "a note"
    return "acknowledged" if change.verdict is None else f"said to be {change.verdict}"
